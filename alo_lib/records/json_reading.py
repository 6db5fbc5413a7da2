"""JSON that somebody else wrote: read as Python does, and refused in the same words for every file."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

__all__ = ["MOST_DIGITS", "json_object_of", "json_of"]

MOST_DIGITS: Final = 1_000
"""Of a number in JSON: more than any that means something has, and few enough to be read at once."""
_SHOWN: Final = 12
"""Characters of a number that is too long which are told."""
_LONGEST_NAME: Final = 40
"""Characters of a repeated name which are told."""


def json_of(
    text: bytes | str,
    *,
    of_object: Callable[[dict[str, Any]], Any] | None = None,
    each_once: bool = False,
) -> Any:
    """What JSON says; a mark of UTF-8 before it is passed over. Objects become what ``of_object`` makes of them.

    :param each_once: refuse an object that names something twice, of which Python's reader keeps the last.
    :raises ValueError: for what is none, in words that follow the name of where it stands: ``is not JSON: ...``,
        ``is not UTF-8: ...``; for what ``of_object`` refuses so.
    """
    try:
        written = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}") from None
    try:
        return json.loads(
            written,
            object_hook=of_object,
            object_pairs_hook=_each_once if each_once else None,
            parse_int=partial(_number, int),
            parse_float=partial(_number, float),
        )
    except RecursionError:
        raise ValueError("is not JSON that is read: it has lists or objects in each other without end") from None
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


def json_object_of(path: Path, what: str) -> dict[str, Any]:
    """The JSON object that a file holds, which should be ``what``, such as ``file of a trial``.

    :raises ValueError: in a whole sentence, when it cannot be read or holds none.
    """
    try:
        content = json_of(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is no {what}: it {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no {what}: it holds a JSON {type(content).__name__}, not an object")
    return content


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"an object has {twice[:_LONGEST_NAME]!r} more than once")
    return found


def _number(kind: Callable[[str], float], digits: str) -> float:
    if len(digits) > MOST_DIGITS:
        shown = f"{digits[:_SHOWN]}...{digits[-_SHOWN:]}"
        raise ValueError(f"the number {shown} is {len(digits):,} characters long; at most {MOST_DIGITS:,} are allowed")
    return kind(digits)
