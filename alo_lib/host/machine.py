"""The host as the kernel shows it: files below /sys and /proc, the processors, and what only a system call tells."""

import os
import re
from pathlib import Path
from typing import Final

__all__ = ["Machine", "processors_of", "ranges_of"]

_CPUS: Final = "sys/devices/system/cpu"
_DIGITS: Final = 8
"""Of the numbers of processors, interrupts and nodes in names, at the most."""


class Machine:
    """A host below a ``root`` folder, in which ``processor`` is to be the core's and ``journal`` its folder.

    ``processor`` None: it is not said which is the core's, and every processor counts. A root other than ``/`` is a
    picture of a host: what only a system call tells is then not told.
    """

    def __init__(self, root: Path = Path("/"), *, processor: int | None = None, journal: Path | None = None) -> None:
        self.root = root
        self.processor = processor
        self.journal = journal
        self.live = root.resolve() == Path("/")

    def text(self, path: str) -> str | None:
        """What a file says, without blanks around it; None where there is none, or it cannot be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return None

    def number(self, path: str) -> int | None:
        """The number in a file; None where there is none."""
        text = self.text(path)
        return int(text) if text is not None and re.fullmatch(r"[+-]?\d{1,18}", text) else None

    def chosen(self, path: str) -> str | None:
        """The word that stands out in a file such as ``always [madvise] never`` or ``none (full)``, else its text."""
        text = self.text(path)
        found = re.search(r"[\[(](\S+)[\])]", text) if text else None
        return found[1] if found else text

    def writable(self, path: str) -> bool:
        """Whether this process may write to a file."""
        return os.access(self.root / path, os.W_OK)

    def matching(self, pattern: str) -> list[str]:
        """Paths of a pattern below the root, by number where they have one."""
        found = (path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))
        return sorted(found, key=lambda path: [part.zfill(_DIGITS) for part in re.split(r"(\d+)", path)])

    @property
    def processors(self) -> list[int]:
        """The processors that are online, ascending."""
        return sorted(processors_of(self.text(f"{_CPUS}/online") or ""))

    @property
    def watched(self) -> list[int]:
        """The processors that matter: the core's, or all where it is not said which that is."""
        return self.processors if self.processor is None else [self.processor]

    def of_watched(self, pattern: str) -> list[str]:
        """Paths below the folder of each processor that matters."""
        return [path for number in self.watched for path in self.matching(f"{_CPUS}/cpu{number}/{pattern}")]

    @property
    def boot_options(self) -> dict[str, str]:
        """The kernel's command line: values by name, empty where an option has none."""
        pairs = (word.partition("=") for word in (self.text("proc/cmdline") or "").split())
        return {name: value for name, _, value in pairs}

    def limit(self, name: str) -> str | None:
        """The soft limit of this process of that name in /proc/self/limits; a number or ``unlimited``."""
        found = re.search(rf"^{re.escape(name)} +(\S+)", self.text("proc/self/limits") or "", re.MULTILINE)
        return found[1] if found else None

    @property
    def kernel(self) -> str:
        """Release and version of the kernel."""
        release, version = self.text("proc/sys/kernel/osrelease"), self.text("proc/sys/kernel/version")
        return " ".join(filter(None, (release, version)))


def processors_of(text: str) -> set[int]:
    """Processors of a list such as ``2-3,6``; words that are none, such as isolcpus's ``managed_irq``, are left out."""
    found: set[int] = set()
    for part in text.strip().split(","):
        if range_ := re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part.strip()):
            found |= set(range(int(range_[1]), int(range_[2] or range_[1]) + 1))
    return found


def ranges_of(processors: set[int]) -> str:
    """A list such as ``2-3,6`` of processors."""
    runs: list[list[int]] = []
    for number in sorted(processors):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
