import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.records.json_reading import MOST_DIGITS, json_object_of, json_of

ELSEWHERE = "alo_lib/cli/engines/lean_process.py"
"""LEAN's own results, which are large: whether they are damaged is all that is told."""
LONG = "characters long; at most 1,000 are allowed"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[" + "9" * 6_000 + "]",
            f"is not JSON: the number 999999999999...999999999999 is 6,000 {LONG}",
        ),
        (
            "-1" + "0" * 1_000,
            f"is not JSON: the number -10000000000...000000000000 is 1,002 {LONG}",
        ),
        ("0." + "1" * 5_000, f"is not JSON: the number 0.1111111111...111111111111 is 5,002 {LONG}"),
        ("1e" + "1" * 5_000, f"is not JSON: the number 1e1111111111...111111111111 is 5,002 {LONG}"),
        ("[" * 100_000, "is not JSON that is read: it has lists or objects in each other without end"),
        ('{"a":' * 100_000, "is not JSON that is read: it has lists or objects in each other without end"),
        (b'{"a": "\xff"}', "is not UTF-8: byte 7 is 0xff"),
        ("", "is not JSON: Expecting value"),
    ],
    ids=["whole", "negative", "decimal", "exponent", "lists", "objects", "bytes", "nothing"],
)
def test_what_is_not_read_is_refused_in_words_of_ours(text: str | bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}") as refused:
        json_of(text)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize(
    "value", [1, -1, 0.1, 1e300, 10 ** (MOST_DIGITS - 1), [1, {"a": None}], "\N{EURO SIGN}", True, 2**63, 5e-324]
)
def test_what_is_read_is_what_was_written(value: Any) -> None:
    found = json_of(json.dumps(value))
    assert (found, type(found)) == (value, type(value))
    assert json_of(b"\xef\xbb\xbf" + json.dumps(value).encode()) == value


def test_what_objects_become() -> None:
    assert json_of('{"a": {"b": 1}}', of_object=lambda found: sorted(found)) == ["a"]


def test_a_name_that_is_given_twice_is_refused_where_it_may_not_be() -> None:
    assert json_of('{"a": 1, "a": 2}') == {"a": 2}
    assert json_of('[{"a": 1}, {"a": 2}]', each_once=True) == [{"a": 1}, {"a": 2}]
    with pytest.raises(ValueError, match=r"^is not JSON: an object has 'a' more than once$"):
        json_of('{"b": {"a": 1, "c": 0, "a": 2}}', each_once=True)


def test_a_file_without_an_object_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    with pytest.raises(ValueError, match=r"it\.json cannot be read: No such file or directory$"):
        json_object_of(path, "file of a trial")
    path.write_text('{"a": [1]}', encoding="utf-8")
    assert json_object_of(path, "file of a trial") == {"a": [1]}
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"it\.json is no file of a trial: it holds a JSON list, not an object$"):
        json_object_of(path, "file of a trial")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"it\.json is no file of a trial: it is not JSON: "):
        json_object_of(path, "file of a trial")


def test_json_is_read_in_one_place() -> None:
    found = set()
    for path in sorted((ROOT / "alo_lib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("json.loads", "json.load"):
                found.add(path.relative_to(ROOT).as_posix())
    assert found == {"alo_lib/records/json_reading.py", ELSEWHERE}
