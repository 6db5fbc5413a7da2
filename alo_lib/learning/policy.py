"""The exported policy: the actor's weights in one small file, evaluated with nothing but NumPy."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.learning.errors import PolicyError
from alo_lib.learning.features import FEATURES
from alo_lib.records.whole_files import whole_file

__all__ = ["POLICY_VERSION", "Layer", "Policy", "holds_policy"]

POLICY_VERSION: Final = 1
"""Version of the file and of what its numbers mean; it changes with either."""

Array = NDArray[np.float64]

_MOST_LAYERS: Final = 4
_MOST_BYTES: Final = 4 << 20
_HEADER: Final = ("version", "features", "ranges", "digest")


@dataclass(frozen=True)
class Layer:
    """An affine map: ``weight`` (outputs, inputs) and ``bias`` (outputs,)."""

    weight: Array
    bias: Array


class Policy:
    """How much of a signal to trade: affine layers with rectifiers between them, the last one cut off to [0, 1].

    Rectifiers, because sums, products and comparisons are the same bits on every machine, which tanh is not.

    :raises PolicyError: for layers that do not lead from the features to one number.
    """

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        if not 1 <= len(layers) <= _MOST_LAYERS:
            raise PolicyError(f"a policy has 1 to {_MOST_LAYERS} layers, but this one has {len(layers)}")
        width = len(FEATURES)
        frozen = []
        for number, layer in enumerate(layers):
            weight, bias = (np.array(array, np.float64, order="C") for array in (layer.weight, layer.bias))
            outputs = 1 if number == len(layers) - 1 else weight.shape[0] if weight.ndim == 2 else 0
            if outputs < 1 or weight.shape != (outputs, width) or bias.shape != (outputs,):
                raise PolicyError(
                    f"layer {number} of the policy has weights of shape {weight.shape} and biases of {bias.shape}; "
                    f"it takes {width} inputs, and the last layer gives one output"
                )
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise PolicyError(f"layer {number} of the policy has weights that are not finite")
            weight.flags.writeable = bias.flags.writeable = False
            frozen.append(Layer(weight, bias))
            width = outputs
        self.layers = tuple(frozen)

    def act(self, features: ArrayLike) -> Array:
        """The multiplier in [0, 1] of each row of ``features`` (n, k), shape (n,).

        Sums run in the order of the inputs, so that a row's result does not depend on the rows beside it.

        :raises PolicyError: for another shape, or features that are not in [-1, 1] as ``observe`` makes them.
        """
        values = np.asarray(features, np.float64)
        if values.ndim != 2 or values.shape[1] != len(FEATURES):
            raise PolicyError(f"features have shape {values.shape}; allowed: (n, {len(FEATURES)})")
        bad = ~(np.abs(values) <= 1.0)
        if bad.any():
            row, column = (int(index) for index in np.argwhere(bad)[0])
            raise PolicyError(
                f"feature {FEATURES[column].name} of row {row} is {values[row, column]:g}; allowed: -1 to 1"
            )
        for number, layer in enumerate(self.layers):
            if number:
                values = np.maximum(values, 0.0)
            values = _affine(layer, values)
        return np.asarray(np.clip(values[:, 0], 0.0, 1.0))

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the version, the features with their ranges, and all weights."""
        return _digest(self._contents())

    def save(self, path: Path) -> None:
        """Write the policy; the same policy gives the same bytes.

        :raises OSError: as writing does.
        """
        contents = self._contents()
        with whole_file(path) as file:
            np.savez(file, **contents, digest=np.array(_digest(contents)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a policy, trusting nothing in the file.

        :raises PolicyError: naming the file, for one that is damaged, of another version, for other features, or with
            weights of the wrong shape.
        :raises OSError: where it cannot be read.
        """
        try:
            return cls(_read(path))
        except PolicyError as error:
            raise PolicyError(f"{path}: {error}") from None

    def _contents(self) -> dict[str, Any]:
        contents: dict[str, Any] = {
            "version": np.array(POLICY_VERSION, "<i8"),
            "features": np.array([feature.name for feature in FEATURES]),
            "ranges": np.array([(feature.low, feature.high) for feature in FEATURES], "<f8"),
        }
        for number, layer in enumerate(self.layers):
            contents[f"weight_{number}"] = layer.weight
            contents[f"bias_{number}"] = layer.bias
        return contents


def holds_policy(path: Path) -> bool:
    """Whether a file holds a policy, of this program's features or of others."""
    try:
        _arrays(path)
    except PolicyError:
        return False
    return True


def _affine(layer: Layer, values: Array) -> Array:
    """``values @ weight.T + bias`` with a fixed order of sums, which BLAS does not promise."""
    total = np.repeat(layer.bias[None, :], len(values), axis=0)
    for column in range(values.shape[1]):
        total += values[:, column, None] * layer.weight[None, :, column]
    return total


def _digest(contents: dict[str, Any]) -> str:
    sha = hashlib.sha256()
    for name in sorted(contents):
        array = contents[name]
        little = array.astype(array.dtype.newbyteorder("<"))
        sha.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
        sha.update(little.tobytes())
    return sha.hexdigest()


def _read(path: Path) -> tuple[Layer, ...]:
    contents = _arrays(path)
    for name, kind, shape in (
        ("version", "i", ()),
        ("features", "U", None),
        ("ranges", "f", None),
        ("digest", "U", ()),
    ):
        array = contents[name]
        if array.dtype.kind != kind or (shape is not None and array.shape != shape):
            raise PolicyError(f"{name} is an array of {array.dtype} and shape {array.shape}, which no policy holds")
    if (version := int(contents["version"])) != POLICY_VERSION:
        raise PolicyError(f"it is a policy of version {version}, but this program reads version {POLICY_VERSION}")
    names, ranges = [feature.name for feature in FEATURES], [[feature.low, feature.high] for feature in FEATURES]
    if contents["features"].tolist() != names or contents["ranges"].tolist() != ranges:
        raise PolicyError(
            f"it was trained on the features {_short(contents['features'])}, or on other ranges of them, but this "
            f"program observes {', '.join(names)}"
        )
    stored = str(contents.pop("digest"))
    layers = len([name for name in contents if name.startswith("weight_")])
    for name, array in contents.items():
        if name not in _HEADER and array.dtype != np.dtype("<f8"):
            raise PolicyError(f"{name} holds {array.dtype}; the weights of a policy are float64")
    if stored != (actual := _digest(contents)):
        raise PolicyError(f"its contents have the digest {actual[:16]}..., but it claims {stored[:16]}...")
    return tuple(Layer(contents[f"weight_{n}"], contents[f"bias_{n}"]) for n in range(layers))


def _arrays(path: Path) -> dict[str, Any]:
    """What the file holds, if it has the names of a policy and the size of one."""
    with path.open("rb") as file:
        content = io.BytesIO(file.read(_MOST_BYTES))
    try:
        with zipfile.ZipFile(content) as archive:
            entries = archive.infolist()
            names = [entry.filename.removesuffix(".npy") for entry in entries]
            layers = (len(names) - len(_HEADER)) // 2
            expected = [*_HEADER, *(f"{kind}_{n}" for n in range(layers) for kind in ("weight", "bias"))]
            if not 1 <= layers <= _MOST_LAYERS or sorted(names) != sorted(expected):
                raise PolicyError(f"it holds {_short(np.array(names))}, which is not what a policy consists of")
            if (size := sum(entry.file_size for entry in entries)) > _MOST_BYTES:
                raise PolicyError(f"it unpacks to {size} bytes; a policy has at most {_MOST_BYTES}")
        with np.load(content, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except PolicyError:
        raise
    except Exception as error:  # zipfile and NumPy promise no family of errors for bytes that anyone may have written
        raise PolicyError(f"it is not a policy file ({type(error).__name__}: {error})") from None


def _short(names: NDArray[Any]) -> str:
    text = ", ".join(repr(name) for name in names.ravel()[:12].tolist())
    return (text[:197] + "...") if len(text) > 200 else text or "nothing"
