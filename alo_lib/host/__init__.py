"""The machine that a core runs on: what it offers to real time, what that costs, and what mends it."""

from alo_lib.host.examination import CHECKS, examine
from alo_lib.host.finding import Change, Finding, Standing
from alo_lib.host.machine import Machine
from alo_lib.host.mending import BookError, Outcome, mend, take_back

__all__ = [
    "CHECKS",
    "BookError",
    "Change",
    "Finding",
    "Machine",
    "Outcome",
    "Standing",
    "examine",
    "mend",
    "take_back",
]
