"""Models as plain objects for JSON, and back to the last bit; what comes back is checked before a model is made of it.

A model is what its fields say by their annotations, under the name that the registry has for it. Numbers are finite
but for those written ``"inf"``, as JSON has none.
"""

import dataclasses
import math
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from alo_lib.records import Alternatives
from alo_lib.volatility.errors import ParameterError

if TYPE_CHECKING:
    from alo_lib.volatility.model import VolatilityModel

    AnyModel = VolatilityModel[Any, Any]

__all__ = ["FORMAT", "model_of", "plain_model", "state_of"]

FORMAT: Final = 1
"""Of the objects; another one is refused."""

State = TypeVar("State")

_MODEL, _VERSION = "model", "format"
_LONGEST: Final = 2**63
_SHOWN: Final = 60
"""Characters of a wrong value that are told."""


def plain_model(model: "AnyModel") -> dict[str, Any]:
    """A model's fields for JSON, its name in the registry, and the format.

    :raises TypeError: for a model that is no dataclass, or has a field for which JSON has nothing.
    """
    return {_MODEL: model.name, _VERSION: FORMAT} | _plain_fields(model)


def model_of(kinds: Mapping[str, type["AnyModel"]], values: Any) -> "AnyModel":
    """Inverse of :func:`plain_model`, for a model of one of ``kinds``, by name. Nothing that is read can run.

    :raises ParameterError: for what is no such object, naming where and what is allowed.
    """
    return _model(kinds, values, "a saved model")


def state_of(kind: type[State], values: Any, where: str) -> State:
    """A filter's state of one ``kind`` of dataclass from its fields; ``where`` is what it is called.

    :raises ParameterError: for missing or unknown names, or values of another type.
    """
    found: State = _record(kind, values, where)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | str | NoneType):
        return value
    if isinstance(value, float):
        if math.isnan(value) or value == -math.inf:
            raise TypeError(f"a model cannot hold {value!r}")
        return "inf" if value == math.inf else float(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if _is_model(type(value)):
        return plain_model(value)
    if dataclasses.is_dataclass(value):
        return _plain_fields(value)
    raise TypeError(f"a model cannot hold {value!r:.60}")


def _plain_fields(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _is_model(kind: Any) -> bool:
    """Whether it is a class of models; the contract's own module stands on this one."""
    return isinstance(kind, type) and hasattr(kind, "forecast_path") and hasattr(kind, "name")


def _model(kinds: Mapping[str, type["AnyModel"]], values: Any, where: str) -> "AnyModel":
    table = _object(values, where)
    kind, version = table.get(_MODEL), table.get(_VERSION)
    if not isinstance(kind, str) or kind not in kinds:
        _refuse(f"{where}: {_MODEL}", " or ".join(map(repr, kinds)), kind)
    if type(version) is not int or version != FORMAT:
        _refuse(f"{where}: {_VERSION}", str(FORMAT), version)
    inner = {name: value for name, value in table.items() if name not in (_MODEL, _VERSION)}
    found: AnyModel = _record(kinds[str(kind)], inner, str(kind))
    return found


def _record(kind: Any, values: Any, where: str) -> Any:
    table, fields = _object(values, where), dataclasses.fields(kind)
    names = [field.name for field in fields]
    if table.keys() != set(names):
        missing = [name for name in names if name not in table]
        unknown = [name for name in table if name not in names]
        told = [f"{what} {', '.join(some)}" for what, some in (("lacks", missing), ("knows no", unknown)) if some]
        raise ParameterError(f"{where} {' and '.join(told):.200}; its fields are {', '.join(names)}")
    hints = get_type_hints(kind, include_extras=True)
    return kind(**{name: _read(hints[name], table[name], f"{where}: {name}") for name in names})


def _read(annotation: Any, value: Any, where: str) -> Any:
    """A value of the annotated type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for mark in arguments[1:]:
            if isinstance(mark, Alternatives):
                return _model({kind.name: kind for kind in mark.of()}, value, where)  # type: ignore[attr-defined]
        return _read(arguments[0], value, where)
    if origin in (Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        return _read(next(each for each in arguments if each is not NoneType), value, where)
    if origin is Literal:
        if not any(type(value) is type(each) and value == each for each in arguments):
            _refuse(where, " or ".join(map(repr, arguments)), value)
        return value
    if origin is tuple:
        return _sequence(arguments, value, where)
    if origin is Mapping or origin is dict:
        table = _object(value, where)
        return {name: _read(arguments[1], item, f"{where}: {name:.{_SHOWN}}") for name, item in table.items()}
    if _is_model(annotation):
        return _model({annotation.name: annotation}, value, where)
    if dataclasses.is_dataclass(annotation):
        return _record(annotation, value, where)
    return _scalar(annotation, value, where)


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float:
        if value == "inf" and isinstance(value, str):
            return math.inf
        number = type(value) in (int, float) and abs(value) < _LONGEST
        if not number:
            _refuse(where, 'a finite number, or "inf"', value)
        return float(value)
    if kind is int and not (type(value) is int and abs(value) < _LONGEST):
        _refuse(where, "a whole number", value)
    if kind in (bool, str) and type(value) is not kind:
        _refuse(where, "true or false" if kind is bool else "text", value)
    if kind not in (int, bool, str):
        raise TypeError(f"values of {kind} cannot be read")
    return value


def _sequence(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        _refuse(where, "a list", value)
    items = [arguments[0]] * len(value) if arguments[1:] == (...,) else list(arguments)
    if len(items) != len(value):
        _refuse(where, f"a list of {len(items)}", value)
    return tuple(_read(kind, item, f"{where}[{at}]") for at, (kind, item) in enumerate(zip(items, value, strict=True)))


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        _refuse(where, "an object", value)
    return dict(value)


def _refuse(where: str, allowed: str, value: Any) -> None:
    raise ParameterError(f"{where} must be {allowed}, but it is {value!r:.{_SHOWN}}")
