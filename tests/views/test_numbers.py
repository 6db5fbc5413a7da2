"""Numbers that people read have no negative zero."""

import re
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT

# A field of an f-string that fixes decimals; plotly's own templates ("%{y:.2f}") round in the browser.
FIXED = re.compile(r"(?<!%)(?<!%\{)\{(?:[^{}]|\{[^{}]*\})*:(?P<form>[<>^=+ ]*z?\d*,?\.\d+[fg%])\}")
# A format by itself, to be given to format(); plotly's are rounded in the browser too.
QUOTED = re.compile(r"""(?<!tickformat": )(?P<quote>["'])(?P<form>[<>^=+ ]*z?\d*,?\.\d+[fg%])(?P=quote)""")
FILES = sorted([*(ROOT / "alo_lib" / "views").rglob("*.py"), *(ROOT / "alo_lib" / "cli").rglob("*.py")])


def without_z(text: str) -> list[str]:
    return [found["form"] for way in (FIXED, QUOTED) for found in way.finditer(text) if "z" not in found["form"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_number_of_fixed_decimals_is_formatted_without_negative_zeros(path: Path) -> None:
    assert without_z(path.read_text(encoding="utf-8")) == []


def test_the_check_sees_what_it_looks_for() -> None:
    assert without_z('f"{a:.2f} {b[0]:+,.3%} {c(d)!r:>8.1f}"') == [".2f", "+,.3%", ">8.1f"]
    assert without_z('f"{a:z.2f} {b:+z,.3%}" "%{y:.2f}" f"%{{y:$,.2f}}"') == []
    assert without_z("""("delta", ".4f"), ('bid', '+,.2%'), {"price": ".4g"}""") == [".4f", "+,.2%", ".4g"]
    assert without_z("""("delta", "z.4f"), {"tickformat": ",.0f"}, "plotly.min.js", "run.4f.json" """) == []
    assert f"{-0.0:+z.3%}" == "+0.000%"
