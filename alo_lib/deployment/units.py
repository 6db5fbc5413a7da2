"""What a unit file of systemd is: sections of settings, each with its reason where that is not plain."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Directive", "Unit"]


class Directive(NamedTuple):
    """One setting. A line of remark stands above it where there is a ``why``."""

    name: str
    value: str
    why: str = ""


class Unit(NamedTuple):
    """A unit's sections in order; a name may stand twice in one, which systemd adds up."""

    sections: Sequence[tuple[str, Sequence[Directive]]]

    def text(self) -> str:
        """The file.

        :raises ValueError: for a value with a line of its own, which would be another setting.
        """
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        for number, (section, directives) in enumerate(self.sections):
            if number:
                yield ""
            yield f"[{section}]"
            for directive in directives:
                if any(character in directive.name + directive.value for character in "\r\n\0"):
                    raise ValueError(f"{directive.name} {directive.value!r} has a line break in it")
                if directive.why:
                    yield f"# {directive.why}"
                yield f"{directive.name}={directive.value}"
