"""The volatility models by name. A new one is a file with a class under :func:`register`, exported by the package."""

from collections.abc import Mapping
from typing import Any, TypeVar

from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.model import VolatilityModel
from alo_lib.volatility.saving import model_of

__all__ = ["MODELS", "AnyModel", "model_from_dict", "model_named", "register"]

AnyModel = VolatilityModel[Any, Any]

MODELS: dict[str, type[AnyModel]] = {}
"""Every model of the room, in the order in which the package names them."""

Model = TypeVar("Model", bound=AnyModel)


def register(model: type[Model]) -> type[Model]:
    """Enter a class of models under its name.

    :raises ValueError: for a name that another class has.
    """
    if model.name in MODELS:
        raise ValueError(f"two volatility models are called {model.name!r}")
    MODELS[model.name] = model
    return model


def model_from_dict(values: Mapping[str, Any]) -> AnyModel:
    """The model, of any kind, whose ``to_dict`` gave ``values``, which need not be trusted.

    :raises ParameterError: for missing or unknown names, values of another type, or outside their domain.
    """
    return model_of(MODELS, values)


def model_named(name: str) -> type[AnyModel]:
    """The class of models called ``name``.

    :raises ParameterError: when there is none.
    """
    if name not in MODELS:
        raise ParameterError(f"there is no volatility model {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]
