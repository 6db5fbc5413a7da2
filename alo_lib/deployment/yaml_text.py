"""YAML of plain values, with the reason of a field beside it: what units and containers need of the language."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

__all__ = ["Because", "plain", "yaml_text"]

_PLAIN: Final = re.compile(r"[A-Za-z_/][\w./@-]*")
_WORDS: Final = re.compile(r"(?i)(true|false|yes|no|on|off|null|y|n|nan|inf)")


class Because(NamedTuple):
    """A value and why it is so, which stands above it as a remark."""

    value: Any
    why: str


def yaml_text(*documents: Any) -> str:
    """The documents of a file: mappings, sequences, text, numbers, truth values and None; mappings keep their order."""
    return "".join("\n".join(("---", *_lines(each, ""), "")) for each in documents)


def plain(value: Any) -> Any:
    """A value without reasons."""
    if isinstance(value, Because):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", item, indent)
    else:
        for item in value:
            yield from _item(item, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Because):
        yield f"{indent}# {value.why}"
        value = value.value
    if isinstance(value, str) and "\n" in value:
        yield f"{head} |"
        yield from (f"{indent}  {line}" if line else "" for line in value.rstrip("\n").split("\n"))
    elif _nests(value):
        yield head
        yield from _lines(value, f"{indent}  ")
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Because):
        yield f"{indent}# {value.why}"
        value = value.value
    if not _nests(value):
        yield f"{indent}- {_scalar(value)}"
        return
    first = True
    for line in _lines(value, f"{indent}  "):
        remark = line.lstrip().startswith("#")
        yield f"{indent}- {line[len(indent) + 2 :]}" if first and not remark else line
        first = first and remark


def _nests(value: Any) -> bool:
    return isinstance(value, Mapping | Sequence) and not isinstance(value, str) and bool(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value):
        return value
    text = json.dumps(value, ensure_ascii=False)  # of which YAML is a superset, but for the first number below
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
