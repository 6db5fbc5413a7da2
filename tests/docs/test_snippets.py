"""Python of the documents that needs no LEAN runs as it is written, and does what is said beside it."""

import re

import numpy as np
import pytest

from alo_lib.cli.project import ROOT

SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_snippet_of_volatility_says_what_it_does() -> None:
    (snippet,) = SNIPPET.findall((ROOT / "docs" / "volatility.md").read_text(encoding="utf-8"))
    found: dict = {}
    exec(compile(snippet, "docs/volatility.md", "exec"), found)
    assert found["again"] == found["model"]
    assert found["paths"].shape == (1000, found["days_left"])
    assert list(found["volatility"].index) == list(found["days"][1:])
    # From 2023-08-08, a Tuesday: three sessions, then five weeks, one of them with Labor Day.
    assert str(found["history"].dates[-1]) == "2023-08-08"
    assert found["days_left"] == 3 + 5 * 5 - 1
    assert found["summary"].model == "GARCH(1,1)"
    realized = np.sqrt(252 * np.mean(np.square(found["paths"])))
    assert realized == pytest.approx(found["expected"], rel=0.1)
