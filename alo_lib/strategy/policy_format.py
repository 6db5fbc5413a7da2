"""A hedging policy as text, and back: JSON in one way of writing it, so that the same policy is the same bytes.

Nothing is trusted that is read: what it says is checked, and that its digest is that of what it says.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from alo_lib.records.json_reading import json_of
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer, PolicyError

__all__ = ["MOST_BYTES", "POLICY_VERSION", "policy_digest", "policy_from", "policy_text"]

POLICY_VERSION: Final = 1
"""Version of the text and of what its numbers mean; it changes with either."""

MOST_BYTES: Final = 1 << 18
"""That a policy's text may have."""

_RULE: Final = "minimum_variance"
_FORMAT: Final = "alo hedging policy"
_NUMBERS: Final = ("risk_aversion", "stickiness", "shift_limit", "log_ratio_limit")
_FIELDS: Final = ("format", "version", "features", "rule", *_NUMBERS, "ranges", "layers", "digest")


def policy_text(policy: HedgingPolicy) -> bytes:
    """The policy as one line of ASCII, the same for the same policy."""
    contents = _contents(policy)
    return _dumped(contents | {"digest": _digest(contents)})


def policy_digest(policy: HedgingPolicy) -> str:
    """SHA-256, in hexadecimal, of all that its text says besides."""
    return _digest(_contents(policy))


def policy_from(text: bytes) -> HedgingPolicy:
    """The policy that a text is, which somebody else may have written.

    :raises PolicyError: in words that follow "it", for a text that is damaged, of another version, for other features
        or another rule, with weights of the wrong shape or that are not finite, or larger than it may be.
    """
    if len(text) > MOST_BYTES:
        raise PolicyError(f"it has {len(text):,} bytes; a policy has at most {MOST_BYTES:,}")
    try:
        values = json_of(text)
    except ValueError as error:
        raise PolicyError(f"it {error}") from None
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise PolicyError("it is no hedging policy")
    if values.get("version") != POLICY_VERSION:
        version = str(values.get("version"))[:20]
        raise PolicyError(f"it is a policy of version {version}, but this program reads version {POLICY_VERSION}")
    if sorted(values) != sorted(_FIELDS):
        odd = ", ".join(sorted(set(values).symmetric_difference(_FIELDS)))[:200]
        raise PolicyError(f"what it says is not what a policy consists of: {odd}")
    if values["features"] != _features():
        names = ", ".join(feature.name for feature in FEATURES)
        raise PolicyError(
            f"it was trained on other features, or on other ranges of them, than the {names} that this program observes"
        )
    if values["rule"] != _RULE:
        raise PolicyError(f"it adjusts the rule {str(values['rule'])[:40]!r}; this program adjusts {_RULE!r}")
    stored, actual = values.pop("digest"), _digest(values)
    if stored != actual:
        raise PolicyError(f"its contents have the digest {actual[:16]}..., but it claims {str(stored)[:16]}...")
    return _policy(values)


def _policy(values: Mapping[str, Any]) -> HedgingPolicy:
    try:
        layers = tuple(Layer(_numbers(each["weight"], 2), _numbers(each["bias"], 1)) for each in values["layers"])
        ranges = tuple((low, high) for low, high in _numbers(values["ranges"], 2).tolist())
        numbers = {name: float(_numbers(values[name], 0)) for name in _NUMBERS}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PolicyError(f"its numbers are not those of a policy ({type(error).__name__}: {error})") from None
    return HedgingPolicy(layers, ranges=ranges, **numbers)


def _numbers(value: object, dimensions: int) -> Any:
    array = np.array(value)
    if array.ndim != dimensions or array.dtype.kind not in "if":
        raise ValueError(f"an array of {array.dtype} with {array.ndim} dimensions in the place of {dimensions}")
    return array.astype(np.float64)


def _contents(policy: HedgingPolicy) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "version": POLICY_VERSION,
        "features": _features(),
        "rule": _RULE,
        **{name: getattr(policy, name) for name in _NUMBERS},
        "ranges": [list(each) for each in policy.ranges],
        "layers": [{"weight": each.weight.tolist(), "bias": each.bias.tolist()} for each in policy.layers],
    }


def _features() -> list[list[Any]]:
    return [[feature.name, feature.low, feature.high] for feature in FEATURES]


def _digest(contents: Mapping[str, Any]) -> str:
    return hashlib.sha256(_dumped(contents)).hexdigest()


def _dumped(contents: Mapping[str, Any]) -> bytes:
    return json.dumps(contents, sort_keys=True, separators=(",", ":")).encode("ascii")
