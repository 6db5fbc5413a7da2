"""What an era of a journal goes on from: the last state of the one before, made fit for other settings.

The state goes into the journal whole, with its schema, in the layout of snapshots (docs/journal.md), and is read from
there by whoever goes on or replays: so both begin with the same, and a later program reads what an earlier one left.
"""

from typing import Annotated

import numpy as np

from alo_lib.core.snapshot import SnapshotError, pack, unpack
from alo_lib.core.trading import CoreState
from alo_lib.executive import Frame
from alo_lib.journal import JournalError
from alo_lib.records import ADOPTED_PART, Kind, Message, Records, records
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings
from alo_lib.settings.forecasting import ForecastSettings

__all__ = ["AdoptionError", "adopted", "adoption", "differences", "fitted"]


class AdoptionError(JournalError):
    """A state that cannot be gone on from; the message says what to do."""


def adoption(state: CoreState, time: int) -> Message:
    """The ADOPTION message of a state that :func:`fitted` gave."""
    data = pack(state)
    parts = [data[first : first + ADOPTED_PART] for first in range(0, len(data), ADOPTED_PART)]
    rows = records(Kind.ADOPTION, len(parts), parts=len(parts), size=len(data))
    rows["part"], rows["state"] = np.arange(len(parts)), parts
    return Message(Kind.ADOPTION, time, rows)


def adopted(rows: Annotated[Records, Kind.ADOPTION], settings: Settings) -> CoreState:
    """The state that ADOPTION records hold, of this program's or an earlier one's, under the settings of its era.

    :raises AdoptionError: where they do not hold one, or hold one that this program cannot read.
    """
    count, size = len(rows), int(rows["size"].max(initial=0))
    data = np.ascontiguousarray(rows["state"]).tobytes()
    whole = count > 0 and (rows["part"] == np.arange(count)).all() and (rows["parts"] == count).all()
    if not whole or (rows["size"] != size).any() or not 0 <= len(data) - size < ADOPTED_PART:
        raise AdoptionError(f"its adopted state should be {count} parts in order, and is not")
    try:
        return unpack(CoreState, data[:size], earlier=True, settings=settings)
    except SnapshotError as error:
        raise AdoptionError(f"its adopted state cannot be read: {error}") from error


def fitted(state: CoreState, before: Settings, now: Settings) -> CoreState:
    """A last state as it is gone on from under other settings. It is changed in place.

    Models stay in force, and are fitted anew with the next session where it is the forecast's settings that differ. The
    account's cash is what it has become, whatever ``cash`` says. A learned policy is told anew, each era its own.

    :raises AdoptionError: for what cannot be gone on from, with what to do about it.
    """
    strategy = state.state.strategy
    for number, underlying in strategy.underlyings.items():
        ticker = underlying.book.ticker
        if ticker not in now.underlyings and _has_something(state, number):
            raise AdoptionError(
                f"underlyings are {','.join(now.underlyings)}, and the journal has trades, positions or orders in "
                f"{ticker}: add {ticker} to them until it is flat"
            )
    strategy.forget_policy()
    if any(getattr(before, name) != getattr(now, name) for name in ForecastSettings.model_fields):
        for underlying in strategy.underlyings.values():
            underlying.forecaster.refit_soon(now.garch_refit_sessions)
    return state._replace(frame=Frame(state.frame.time // now.frame_nanoseconds, state.frame.time))


def differences(before: Settings, now: Settings, but: frozenset[str] = frozenset()) -> str:
    """The settings that differ, in words; empty where none does."""
    ours, others = (each.model_dump(mode="json", exclude=set(but)) for each in (now, before))
    return ", ".join(
        f"{spelled(name)} was {others[name]!r} and is {ours[name]!r}" for name in ours if ours[name] != others[name]
    )


def _has_something(state: CoreState, number: int) -> bool:
    strategy = state.state.strategy
    traded = strategy.trades_in(number) or strategy.contracts_open(number) or strategy.portfolio.quantity(number)
    return bool(traded) or number in strategy.instruments_working()
