"""Numbers that people read have no negative zero."""

import re
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT

# A field of an f-string that fixes decimals; plotly's own templates ("%{y:.2f}") round in the browser.
FIXED = re.compile(r"(?<!%)(?<!%\{)\{(?:[^{}]|\{[^{}]*\})*:(?P<form>[<>^=+ ]*z?\d*,?\.\d+[fg%])\}")
FILES = sorted([*(ROOT / "alo_lib" / "views").rglob("*.py"), *(ROOT / "alo_lib" / "cli").rglob("*.py")])


def without_z(text: str) -> list[str]:
    return [found["form"] for found in FIXED.finditer(text) if "z" not in found["form"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_number_of_fixed_decimals_is_formatted_without_negative_zeros(path: Path) -> None:
    assert without_z(path.read_text(encoding="utf-8")) == []


def test_the_check_sees_what_it_looks_for() -> None:
    assert without_z('f"{a:.2f} {b[0]:+,.3%} {c(d)!r:>8.1f}"') == [".2f", "+,.3%", ">8.1f"]
    assert without_z('f"{a:z.2f} {b:+z,.3%}" "%{y:.2f}" f"%{{y:$,.2f}}"') == []
    assert f"{-0.0:+z.3%}" == "+0.000%"
