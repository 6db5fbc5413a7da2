"""What a run leaves out of its data, for an engine that does not count it."""

from collections.abc import Iterable
from pathlib import Path

from alo_lib.market import DataFindings, DataFolder, FaultLog
from alo_lib.records import Kind, Message
from alo_lib.runtime import MarketRecord
from alo_lib.settings import Settings
from alo_lib.simulation.feed import Feed

__all__ = ["data_left_out"]


def data_left_out(
    settings: Settings, data_folder: Path | str, findings: DataFindings, messages: Iterable[Message]
) -> FaultLog:
    """The faults that the embedded engine meets in a folder, in a run whose core was told ``messages``.

    The same files are read for the same sessions and contracts; ``findings`` are what they were measured to hold.
    """
    folder = DataFolder(data_folder)
    feed, told = Feed(settings, folder, findings), MarketRecord()
    for message in messages:
        if message.kind is Kind.SESSION:
            _read(feed, settings, told)
        if message.kind in (Kind.SESSION, Kind.INSTRUMENT):
            told.record(message)
    _read(feed, settings, told)
    return folder.faults


def _read(feed: Feed, settings: Settings, told: MarketRecord) -> None:
    """Read what a session is told of, and its bars; nothing before the first session."""
    if told.session is None:
        return
    feed.interest_rate(told.session)
    for ticker in settings.underlyings:
        feed.daily_bars(ticker, told.session, 1)
        feed.contracts(ticker, told.session)
    feed.bars(feed.session(told.session), told)
