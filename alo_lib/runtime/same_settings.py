"""Whether two processes, or a journal and the process that goes on from it, decide under the same settings."""

import hashlib
import json
from typing import Final

from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings, SettingsError

__all__ = ["SETTINGS_OF_PLACE", "require_same_settings", "settings_mark", "settings_written"]

SETTINGS_OF_PLACE: Final = {"core_process"}
"""Settings that say where is decided, not what."""


def settings_mark(settings: Settings) -> int:
    """A number by which two see that they have the same settings."""
    text = settings.model_dump_json(exclude=SETTINGS_OF_PLACE)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


def settings_written(written: bytes) -> Settings:
    """The settings that a journal holds. SettingsError when they are none."""
    try:
        told = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"the settings that the journal was written under are not JSON: {error}") from None
    if not isinstance(told, dict):
        raise SettingsError(f"the journal's settings are {type(told).__name__}; they must be an object")
    return Settings.of(told)


def require_same_settings(written: bytes, settings: Settings, where: str) -> None:
    """Raise SettingsError unless a journal was written under these settings; it names what differs."""
    theirs = settings_written(written)
    if settings_mark(theirs) == settings_mark(settings):
        return
    ours, others = (each.model_dump(mode="json", exclude=SETTINGS_OF_PLACE) for each in (settings, theirs))
    different = ", ".join(
        f"{spelled(name)} was {others[name]!r} and is {ours[name]!r}" for name in ours if ours[name] != others[name]
    )
    raise SettingsError(
        f"the journal {where} was written under other settings than these ({different}); use those, or another place"
    )
