"""The part of a run's page that tells its settings, with their units and what they mean."""

from typing import Any

from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings
from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.run import Run
from alo_lib.views.spoken import DASH

__all__ = ["settings_section"]


def settings_section(run: Run) -> Html:
    """Every setting of the run; of one that this program does not know, value and name alone."""
    rows = [(spelled(name), _plain(value), *_about(name)) for name, value in run.settings.items()]
    columns = ("setting", "value", "unit", "meaning")
    return page.section("Settings", page.table(columns, rows, (1,), sentences=(3,)))


def _about(name: str) -> tuple[str, str]:
    field = Settings.model_fields.get(name)
    return (DASH, DASH) if field is None else (Settings.unit_of(name) or DASH, field.description or DASH)


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text or DASH
