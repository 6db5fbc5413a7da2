"""What a run is: its underlyings, days, money and time."""

import datetime as dt
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, Field

from alo_lib.records import FIRST_DAY, HOUR, LAST_DAY, MILLISECOND, MINUTE
from alo_lib.settings.units import CORE_NAME, LARGEST_MOVE, Unit, Words

__all__ = ["Notified", "RunSettings"]

_URL: Final = r"https?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}"
_NOTIFIED: Final = (
    r"(email:[!-+.-?A-~-]+@[!-+.-?A-~-]+|sms:\+?[0-9]{6,20}|telegram:(-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64})"
    r"|web:https?://[!-+.-~-]+)"
)
"""Printable ASCII but for commas, and in an address for more than one @."""
_BAR: Final = {"minute": MINUTE, "hour": HOUR}


class Notified(NamedTuple):
    """Somebody whom LEAN tells of a live run."""

    way: str  # email, sms, telegram or web
    where: str


class RunSettings(BaseModel):
    """Everything that is not the strategy's."""

    underlyings: tuple[str, ...] = Field(("ALFA", "BRVO"), min_length=1, description="tickers, separated by commas")
    start: dt.date = Field(dt.date(2024, 1, 2), ge=FIRST_DAY, le=LAST_DAY, description="first day, yyyy-mm-dd")
    end: dt.date = Field(dt.date(2024, 1, 31), ge=FIRST_DAY, le=LAST_DAY, description="last day, yyyy-mm-dd")
    cash: Annotated[float, Unit("$")] = Field(1_000_000.0, ge=1.0, le=1e12, description="money at the start")
    min_coverage: Annotated[float, Unit("share of sessions")] = Field(
        0.8, ge=0, le=1.0, description="least share of sessions with data; 0 runs over whatever there is"
    )
    max_unexplained_move: Annotated[float, Unit("share of the price")] = Field(
        0.4,
        ge=0.1,
        le=LARGEST_MOVE,
        description="largest move of a price, overnight or from bar to bar, that no split or dividend explains",
    )
    resolution: Literal["minute", "hour"] = Field("minute", description="bars that are traded on")
    frame_milliseconds: Annotated[int, Unit("milliseconds")] = Field(
        10, ge=10, le=1000, description="length of a frame, into which its tasks fit"
    )
    calibration_frames: Annotated[int, Unit("frames")] = Field(
        100, ge=1, le=360_000, description="frames from asking for a calibration to the first that may use it"
    )
    frames_per_bar: Annotated[int, Unit("frames")] = Field(4, ge=1, le=50, description="frames that may follow a bar")
    live_milliseconds: Annotated[int, Unit("milliseconds")] = Field(
        1000, ge=10, le=60_000, description="between frames of live LEAN, whose tasks' budgets are shares of that"
    )
    lost_tags: Literal["cancel", "hold"] = Field(
        "cancel",
        description="live, an order that comes back without its tag and may be several: cancel it, or leave it to you",
    )
    account: Annotated[
        str, Words("up to 64 letters, digits, spaces and . _ - # /, the first none of these; or nothing")
    ] = Field(
        "",
        pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9 ._#/-]{0,63}$",
        description="live, what the journal calls the account that is traded; empty: by what LEAN tells of it",
    )
    take_over: bool = Field(
        False,
        description="live, take over positions that no journal knows, as trades; without it a start refuses them",
    )
    core_process: Annotated[str, Words("up to 32 letters, digits and _, the first no digit; or nothing")] = Field(
        "",
        pattern=rf"^$|{CORE_NAME}",
        description="name of the 'alo core' that decides for LEAN; empty: LEAN's own process does",
    )

    core_folder: Annotated[str, Words("an absolute path; or nothing")] = Field(
        "",
        pattern=r"^$|^/[\w./@+-]*$",
        description="folder of that core's shared memory, as 'alo core --folder' has it; empty: the project's",
    )
    leader_lease: Annotated[str, Words("NAME@URL[,URL], each URL http[s]://HOST:PORT; or nothing")] = Field(
        "",
        pattern=rf"^$|^[A-Za-z_][A-Za-z0-9_]{{0,31}}@{_URL}(,{_URL}){{0,8}}$",
        description="live, the name and servers of the etcd lease that the host needs which leads; empty: there is one",
    )
    leader_lease_seconds: Annotated[int, Unit("seconds")] = Field(
        10, ge=2, le=600, description="how long that lease lasts unless it is renewed"
    )

    notify: Annotated[
        str, Words("email:ADDRESS, sms:NUMBER, telegram:CHAT or web:URL, several separated by commas; or nothing")
    ] = Field(
        "",
        pattern=rf"^$|^{_NOTIFIED}(,{_NOTIFIED})*$",
        description="live in QuantConnect's cloud, whom LEAN tells what its log says of the run; empty: nobody",
    )

    @property
    def notified(self) -> tuple[Notified, ...]:
        """Whom LEAN tells."""
        return tuple(Notified(*each.split(":", 1)) for each in self.notify.split(",") if each)

    @property
    def bar_nanoseconds(self) -> int:
        """Length of a bar."""
        return _BAR[self.resolution]

    @property
    def quotes_are_dated(self) -> bool:
        """Whether a bar says, to the minute, when its last quote was made."""
        return self.resolution == "minute"

    @property
    def frame_nanoseconds(self) -> int:
        """Length of a frame."""
        return self.frame_milliseconds * MILLISECOND

    @property
    def calibration_nanoseconds(self) -> int:
        """Time from asking for a calibration to the first frame that may use it."""
        return self.calibration_frames * self.frame_nanoseconds
