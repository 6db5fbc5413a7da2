"""Tests of many cases, of which some run each time and all with `./alo test --all`."""

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet

__all__ = ["sampled"]


def sampled(cases: Iterable[Any], *, every: int) -> list[ParameterSet]:
    """The cases of a parametrized test, each a value or a tuple of them, all but ``every``-th one marked slow."""
    values = (case if isinstance(case, tuple) else (case,) for case in cases)
    return [
        pytest.param(*value, marks=() if place % every == 0 else pytest.mark.slow) for place, value in enumerate(values)
    ]
