"""The eras of a journal: spans that were decided under the same settings.

A journal begins with its first era. Another begins with an ADOPTION message, which holds the state that it goes on
from; the segment in which that stands tells its settings. A volume's first era begins with the ADOPTION of its preface.
"""

from collections.abc import Sequence
from typing import NamedTuple

from alo_lib.journal.journal import Journal
from alo_lib.journal.segments import Messages, SegmentView, messages_of
from alo_lib.journal.volumes import preface_of
from alo_lib.records import Kind

__all__ = ["Era", "eras_of", "settings_in_force"]


class Era(NamedTuple):
    """Messages from ``first`` to before ``stop``; of an era that ``adopts`` the first is its ADOPTION."""

    number: int  # from 1
    first: int
    stop: int
    settings: bytes
    program: str  # that decided the last of it, and all before to the byte; empty where nobody says
    adopts: bool  # another's state; a journal's first era begins with none

    @property
    def start(self) -> int:
        """The first message behind its ADOPTION."""
        return self.first + self.adopts


def eras_of(journal: Journal) -> list[Era]:
    """The eras of a journal, in order."""
    adoptions = [place for place, _ in messages_of(journal.messages, Kind.ADOPTION)]
    starts = adoptions if preface_of(journal.messages) else [0, *adoptions]
    stops = [*starts[1:], len(journal.messages)]
    return [
        Era(
            number,
            first,
            stop,
            _settings_at(journal.segments, first) or journal.settings,
            _program(journal, stop),
            adopts=first in adoptions,
        )
        for number, (first, stop) in enumerate(zip(starts, stops, strict=True), 1)
    ]


def settings_in_force(segments: Sequence[SegmentView]) -> bytes:
    """The settings of the last era. A segment without its ADOPTION may tell others: its writer adopted nothing."""
    last = max((place for place, _ in Messages(segments).of((Kind.ADOPTION,))), default=0)
    return _settings_at(segments, last) or segments[0].settings


def _settings_at(segments: Sequence[SegmentView], sequence: int) -> bytes:
    return next((each.settings for each in segments if each.first <= sequence < each.stop), b"")


def _program(journal: Journal, stop: int) -> str:
    """The program of the last segment with messages below ``stop``; of a switch, that of what comes before it."""
    below = [each for each in journal.segments if each.first < stop and len(each.offsets)]
    return below[-1].program if below else ""
