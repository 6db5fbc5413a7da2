import json
import subprocess

import pytest

from alo_lib.deployment.yaml_text import Because, plain, yaml_text
from tests.deployment.tools import tool

ODD = {
    "plain": "a/b.c@d-e",
    "words": ["yes", "No", "null", "on", "y", "true", "~", "", " ", "nan", ".inf", "1e3", "0x10", "1:30", "2024-01-02"],
    "signs": ["a: b", "- a", "#a", "a #b", "{a", "'a'", '"a"', "a\tb", "€", "a\\b", "%a", "!a", "*a", "&a", "|", ">"],
    "numbers": [0, -1, 1_000_000, 0.5, 1e-9, True, False, None],
    "lines": {"text": "one\n\n  two\nthree\n", "then": 1},
    "empty": {"list": [], "mapping": {}, "text": ""},
    "nested": [[1, [2, {"a": [{"b": 1, "c": {"d": []}}]}]], {"e": Because([Because({"f": 1}, "why"), 2], "that")}],
    "a key with spaces": {"-": 1, "8": 2},
}


def test_reasons_stand_above_what_they_are_of():
    text = yaml_text({"a": Because(1, "one"), "b": [Because({"c": Because("d", "two"), "e": 2}, "three")]})
    assert text == "---\na: 1\n".replace("a:", "# one\na:") + "b:\n  # three\n    # two\n  - c: d\n    e: 2\n"


def test_reasons_are_no_part_of_the_value():
    assert plain({"a": Because([Because(1, "x")], "y")}) == {"a": [1]}


def test_another_reader_finds_the_same():
    """PyYAML, where a linter has brought one along."""
    reads = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
    with open(tool("yamllint"), "rb") as script:
        python = script.readline().removeprefix(b"#!").strip().decode()
    run = subprocess.run([python, "-c", reads], input=yaml_text(ODD, [1]), capture_output=True, text=True, check=False)
    if "No module named 'yaml'" in run.stderr:
        pytest.skip("yamllint's Python has no PyYAML")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [plain(ODD), [1]]
