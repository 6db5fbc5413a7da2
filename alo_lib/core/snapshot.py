"""The core's state as bytes, and back."""

import io
import pickle
from enum import Enum
from typing import Any, Final
from zoneinfo import ZoneInfo

__all__ = ["pack", "unpack"]

_ALLOWED: Final = ("alo_lib.", "numpy.", "datetime.", "decimal.", "collections.", "zoneinfo.", "pathlib.", "pydantic.")
_BUILTINS: Final = ("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object",
    "range", "set", "slice", "str", "tuple")  # fmt: skip


class _Pickler(pickle.Pickler):
    """Writes members of enumerations and time zones by their values: their own way takes ``getattr`` to read them."""

    def reducer_override(self, value: object) -> Any:
        if isinstance(value, Enum):
            return type(value), (value.value,)
        if isinstance(value, ZoneInfo):
            return ZoneInfo, (value.key,)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Makes objects of this library and of what it stands on, and nothing that could do anything else."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = f"{module}.".startswith(_ALLOWED) or (module == "builtins" and name in _BUILTINS)
        if not allowed or "." in name:
            raise pickle.UnpicklingError(f"a snapshot holds {module}.{name}, which no state of the core does")
        return super().find_class(module, name)


def pack(state: object) -> bytes:
    """A state as bytes; what is one object in it stays one."""
    stream = io.BytesIO()
    _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump(state)
    return stream.getvalue()


def unpack(data: bytes) -> Any:
    """The state that :func:`pack` made bytes of. Raises pickle.UnpicklingError for anything else."""
    return _Unpickler(io.BytesIO(data)).load()
