"""A learned hedging policy: how a rule's band is shifted and scaled, by a small network of fixed arithmetic.

Sums run in the order of the inputs, and all there is are sums, products, quotients and comparisons: the same bits on
every processor, however many paths are asked about together.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.lanes import LANES, greatest, load, store
from alo_lib.strategy.hedging import (
    AdjustedRule,
    Band,
    Floats,
    HedgedPosition,
    MinimumVariance,
    WhalleyWilmott,
    adjusted,
)
from alo_lib.strategy.hedging_features import FEATURES, features, inputs, observe

__all__ = [
    "LARGEST_LOG_RATIO",
    "LARGEST_SHIFT",
    "MOST_LAYERS",
    "MOST_UNITS",
    "OUTPUTS",
    "HedgingPolicy",
    "Layer",
    "PolicyError",
    "Prepared",
    "bands_by",
    "decide",
    "decide_all",
]

Array = NDArray[np.float64]

OUTPUTS: Final = 2
"""Shift of the band's centre, in deltas a contract, and logarithm of the ratio of its width."""
MOST_LAYERS: Final = 4
MOST_UNITS: Final = 64
"""Outputs of a layer."""
LARGEST_SHIFT: Final = 0.5
"""That the limit of a policy may be, deltas a contract."""
LARGEST_LOG_RATIO: Final = 3.0
"""The same, of the logarithm of the width's ratio."""

_DECLARED: Final = tuple((feature.low, feature.high) for feature in FEATURES)


class PolicyError(ValueError):
    """What should be a policy is none that this program can hedge by; the message is one sentence."""


@dataclass(frozen=True, eq=False)
class Layer:
    """An affine map: ``weight`` (outputs, inputs) and ``bias`` (outputs,)."""

    weight: Array
    bias: Array


class Prepared(NamedTuple):
    """A policy as :func:`decide` takes it."""

    ranges: Array  # (4, k): low and high end of what it was trained on; middle and half length of what is declared
    widths: NDArray[np.int64]  # inputs of the first layer, then outputs of each
    weights: Array  # (m, LANES): of each layer LANES outputs at a time, their biases, then the weights of each input
    limits: Array  # (OUTPUTS,)

    @staticmethod
    def scratch() -> Array:
        """Room that :func:`decide` needs, for one thread."""
        return np.empty((2 * MOST_UNITS // LANES, LANES))


@dataclass(frozen=True, eq=False)
class HedgingPolicy:
    """Affine layers with rectifiers between them, from the scaled features to two outputs, each softly bounded.

    An output y of the last layer becomes limit * y / (1 + |y|). The rule that is adjusted is ``minimum_variance`` with
    the policy's own risk aversion and stickiness, those that it was trained about: zero weights are that rule. Where a
    feature is outside of ``ranges``, those that it was trained on, it is that rule as well.

    :raises PolicyError: for layers that do not lead from the features to the outputs, weights that are not finite, or
        more of them than there may be; for ranges outside of the declared ones, or limits beyond the largest.
    """

    layers: tuple[Layer, ...]
    risk_aversion: float
    stickiness: float = 2.0
    shift_limit: float = 0.2
    log_ratio_limit: float = 1.5
    ranges: tuple[tuple[float, float], ...] = field(default=_DECLARED)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _checked_layers(self.layers))
        ranges = tuple((float(low), float(high)) for low, high in self.ranges)
        object.__setattr__(self, "ranges", ranges)
        if len(ranges) != len(FEATURES):
            raise PolicyError(f"a policy has {len(FEATURES)} ranges, one a feature, but this one has {len(ranges)}")
        for feature, (low, high) in zip(FEATURES, ranges, strict=True):
            if not feature.low <= low <= high <= feature.high:
                raise PolicyError(
                    f"the policy's range of {feature.name} is {low:g} to {high:g}; "
                    f"allowed: within {feature.low:g} to {feature.high:g}"
                )
        for name, most in (
            ("risk_aversion", 1e6),
            ("stickiness", 4.0),
            ("shift_limit", LARGEST_SHIFT),
            ("log_ratio_limit", LARGEST_LOG_RATIO),
        ):
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            least_allowed = value > 0.0 if name == "risk_aversion" else value >= 0.0
            if not (least_allowed and value <= most):
                least = "above 0" if name == "risk_aversion" else "from 0"
                raise PolicyError(f"{name} of the policy is {value:g}; allowed: {least} up to {most:,.7g}")

    @classmethod
    def zero(cls, risk_aversion: float, hidden: Sequence[int] = ()) -> "HedgingPolicy":
        """The rule itself, with hidden layers of as many outputs, which do nothing yet."""
        widths = [len(FEATURES), *hidden, OUTPUTS]
        layers = [Layer(np.zeros((m, n)), np.zeros(m)) for n, m in pairwise(widths)]
        return cls(tuple(layers), risk_aversion)

    @property
    def base(self) -> MinimumVariance:
        """The rule that is adjusted."""
        return MinimumVariance(WhalleyWilmott(self.risk_aversion), self.stickiness)

    @cached_property
    def rule(self) -> AdjustedRule:
        """The rule as the policy adjusts it."""
        return AdjustedRule(self.base, self.adjustment)

    def adjustment(self, position: HedgedPosition, band: Band) -> tuple[Floats, Floats]:
        """Shift of the centre, in deltas a contract, and log ratio of the width; 0 outside of what it is trained on.

        ``band`` is that of :attr:`base`. Of floats they are floats, else arrays of the position's shape.
        """
        out, _ = self._decided(position, band)
        shape = _shape(position, band)
        if shape == ():
            return float(out[0, 0]), float(out[0, 1])
        return out[:, 0].reshape(shape), out[:, 1].reshape(shape)

    def knows(self, position: HedgedPosition) -> NDArray[np.bool_]:
        """Whether all features of a position are within what the policy was trained on, of its shape."""
        band = self.base.band(position)
        return self._decided(position, band)[1].reshape(_shape(position, band))

    def unknown(self, position: HedgedPosition) -> list[str]:
        """Names of the features of one position that are not."""
        rows, prepared = inputs(position, self.base.band(position)), self.prepared
        seen = np.empty(len(FEATURES))
        observe(rows[0], seen)
        within = (prepared.ranges[0] <= seen) & (seen <= prepared.ranges[1])
        return [feature.name for feature, known in zip(FEATURES, within.tolist(), strict=True) if not known]

    @cached_property
    def prepared(self) -> Prepared:
        """As kernels take it."""
        declared, trained = (np.array(each).T for each in (_DECLARED, self.ranges))
        ranges = np.stack([*trained, 0.5 * (declared[0] + declared[1]), 0.5 * (declared[1] - declared[0])])
        widths = np.array([len(FEATURES), *(len(layer.bias) for layer in self.layers)], np.int64)
        weights = np.ascontiguousarray(np.concatenate([_in_lanes(layer) for layer in self.layers]))
        return Prepared(ranges, widths, weights, np.array([self.shift_limit, self.log_ratio_limit]))

    def _decided(self, position: HedgedPosition, band: Band) -> tuple[Array, NDArray[np.bool_]]:
        rows, prepared = inputs(position, band), self.prepared
        out, known = np.empty((len(rows), OUTPUTS)), np.empty(len(rows), np.bool_)
        decide_all(rows, *prepared, prepared.scratch(), out, known)
        return out, known


def bands_by(policies: Sequence[HedgingPolicy], position: HedgedPosition) -> Iterator[Band]:
    """The band of each policy's :attr:`~HedgingPolicy.rule`; what policies about the same rule share is made once."""
    made: dict[MinimumVariance, tuple[Band, Array]] = {}
    for policy in policies:
        if policy.base not in made:
            band = policy.base.band(position)
            made[policy.base] = band, features(position, band)
        band, seen = made[policy.base]
        out, shape, prepared = np.empty((len(seen), OUTPUTS)), _shape(position, band), policy.prepared
        _decide_all_seen(seen, *prepared, prepared.scratch(), out)
        yield adjusted(band, position, out[:, 0].reshape(shape), out[:, 1].reshape(shape))


def _shape(position: HedgedPosition, band: Band) -> tuple[int, ...]:
    told = (*(getattr(position, each.name) for each in fields(position)), band.half_width)
    shapes = [each.shape for each in told if isinstance(each, np.ndarray)]
    return np.broadcast_shapes(*shapes) if shapes else ()


def _in_lanes(layer: Layer) -> Array:
    """A layer as :class:`Prepared` has it; outputs that it does not have are 0."""
    rows = np.vstack([layer.bias, layer.weight.T])
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % LANES)))
    return np.concatenate(np.split(rows, rows.shape[1] // LANES, axis=1))


def _checked_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise PolicyError(f"a policy has 1 to {MOST_LAYERS} layers, but this one has {len(layers)}")
    width, checked = len(FEATURES), []
    for number, layer in enumerate(layers):
        weight, bias = (np.array(array, np.float64, order="C") for array in (layer.weight, layer.bias))
        outputs = OUTPUTS if number == len(layers) - 1 else weight.shape[0] if weight.ndim == 2 else 0
        if not 1 <= outputs <= MOST_UNITS or weight.shape != (outputs, width) or bias.shape != (outputs,):
            raise PolicyError(
                f"layer {number} of the policy has weights of shape {weight.shape} and biases of {bias.shape}; it "
                f"takes {width} inputs, and gives 1 to {MOST_UNITS} outputs, the last layer {OUTPUTS}"
            )
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise PolicyError(f"layer {number} of the policy has weights that are not finite")
        weight.flags.writeable = bias.flags.writeable = False
        checked.append(Layer(weight, bias))
        width = outputs
    return tuple(checked)


@kernel
def _decide_seen(
    ranges: Array, widths: NDArray[np.int64], weights: Array, limits: Array, scratch: Array, out: Array
) -> bool:
    """:func:`decide` of the features that ``scratch`` begins with."""
    values = scratch.reshape(scratch.size)
    for i in range(widths[0]):
        if not ranges[0, i] <= values[i] <= ranges[1, i]:
            out[0] = 0.0
            out[1] = 0.0
            return False
        values[i] = (values[i] - ranges[2, i]) / ranges[3, i]
    own, other, place, last = 0, MOST_UNITS // LANES, 0, widths.shape[0] - 1
    for layer in range(1, last + 1):
        n = widths[layer - 1]
        for block in range((widths[layer] + LANES - 1) // LANES):
            total = load(weights, place)
            for i in range(n):
                total = total + load(weights, place + 1 + i) * values[own * LANES + i]
            store(scratch, other + block, total if layer == last else greatest(total, 0.0))
            place += n + 1
        own, other = other, own
    for j in range(out.shape[0]):
        y = values[own * LANES + j]
        out[j] = limits[j] * (y / (1.0 + math.fabs(y)))
    if not (math.isfinite(out[0]) and math.isfinite(out[1])):  # finite weights whose sums are not
        out[0] = 0.0
        out[1] = 0.0
        return False
    return True


@kernel
def decide(
    row: Array,
    ranges: Array,
    widths: NDArray[np.int64],
    weights: Array,
    limits: Array,
    scratch: Array,
    out: Array,
) -> bool:
    """Write shift and log ratio (2,) of one path, whose inputs (13,) are ``row``; zeros outside of the ranges.

    Returns whether it is within. The arguments after ``row`` are a :class:`Prepared`'s. For kernels, too.
    """
    observe(row, scratch.reshape(scratch.size))
    known: bool = _decide_seen(ranges, widths, weights, limits, scratch, out)
    return known


@kernel
def decide_all(
    rows: Array,
    ranges: Array,
    widths: NDArray[np.int64],
    weights: Array,
    limits: Array,
    scratch: Array,
    out: Array,
    known: NDArray[np.bool_],
) -> None:
    """:func:`decide` for rows (n, 13): writes their outputs (n, 2), and whether each is within the ranges (n,)."""
    for path in range(rows.shape[0]):
        known[path] = decide(rows[path], ranges, widths, weights, limits, scratch, out[path])


@kernel
def _decide_all_seen(
    seen: Array,
    ranges: Array,
    widths: NDArray[np.int64],
    weights: Array,
    limits: Array,
    scratch: Array,
    out: Array,
) -> None:
    """The outputs (n, 2) for features (n, k)."""
    values = scratch.reshape(scratch.size)
    for path in range(seen.shape[0]):
        for i in range(seen.shape[1]):
            values[i] = seen[path, i]
        _decide_seen(ranges, widths, weights, limits, scratch, out[path])
