"""What commands print for programs: the one place where they write JSON."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["json_text", "print_json", "record_rows"]


def print_json(content: Any, *, indent: int | None = None) -> None:
    """Print a value on standard output."""
    click.echo(json_text(content, indent=indent))


def json_text(content: Any, *, indent: int | None = None) -> str:
    """A value as JSON: null for a number that is not finite, which JSON does not have, and a zero without a sign."""
    return json.dumps(_plain(content), indent=indent, allow_nan=False)


def record_rows(records: "NDArray[Any]") -> list[dict[str, Any]]:
    """Records of any layout by the names of their fields, without padding; bytes as text."""
    names = [name for name in records.dtype.names or () if not name.startswith("pad")]
    return [{name: _field(row[name].tolist()) for name in names} for row in records]


def _field(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None  # the sum of a zero of either sign and zero has none
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
