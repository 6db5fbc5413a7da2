"""The journal's room with one step taken out, to see that something turns red."""

import itertools
import re
import sys
from pathlib import Path
from types import ModuleType

import alo_lib.journal

ROOM = Path(alo_lib.journal.__file__).parent
ORDER = ("kernels", "files", "store", "syncing", "preparing", "writer", "reader", "recovery")
"""Modules that can be altered, each after those it imports. Their kernels run uncompiled."""

_count = itertools.count()


def mutant(module: str, old: str, new: str) -> ModuleType:
    """The room with ``old`` replaced by ``new`` in one module; ``old`` must be there exactly once."""
    name = f"mutant{next(_count)}"
    altered = [each for each in ORDER if each not in ("kernels", "files") or each == module]
    room = ModuleType(name)
    sys.modules[name] = room
    for each in altered:
        text = (ROOM / f"{each}.py").read_text()
        if each == module:
            assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {module}.py"
            text = text.replace(old, new)
        text = text.replace("@kernel\n", "")
        text = re.sub(rf"alo_lib\.journal\.({'|'.join(altered)})\b", rf"{name}.\1", text)
        made = ModuleType(f"{name}.{each}")
        sys.modules[made.__name__] = made
        exec(compile(text, f"{name}/{each}.py", "exec"), made.__dict__)
        room.__dict__[each] = made
    for public in alo_lib.journal.__all__:
        room.__dict__[public] = getattr(alo_lib.journal, public)
    for each in altered:
        for public in room.__dict__[each].__all__:
            room.__dict__[public] = getattr(room.__dict__[each], public)
    return room
