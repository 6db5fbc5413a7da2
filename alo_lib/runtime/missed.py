"""What a session's beginning tells of the days in which nobody ran, in sentences."""

import datetime as dt

from alo_lib.core.instrument_checks import day_of
from alo_lib.records import InstrumentTable, Kind, Message, Session
from alo_lib.strategy.ledger import taken_place

__all__ = ["told_late"]


def told_late(
    message: Message,
    session: Session,
    before: dt.date | None,
    instruments: InstrumentTable,
    holdings: dict[int, int],
) -> list[str]:
    """What a DIVIDEND or SPLIT message of a ``session`` tells that took place before it, after the session ``before``.

    ``holdings`` are those that it finds. Of what is not held nothing is said, nor by a run's first session.
    """
    if before is None or message.kind not in (Kind.DIVIDEND, Kind.SPLIT):
        return []
    said = []
    for row in message.records[taken_place(message.kind, message.records)]:
        number = int(row["instrument"])
        held, ticker = holdings.get(number, 0), instruments.symbol(number)
        if row["time"] >= session.open or not held:
            continue
        day = day_of(int(row["time"]))
        if message.kind is Kind.DIVIDEND:
            amount = float(row["amount"])
            what = f"paid {amount:.4g} a share: {held * amount:+.2f} for {held} shares is booked"
        else:
            what = f"split, each share into {1.0 / float(row['factor']):.6g}: {held} shares are counted anew"
        said.append(f"while nobody ran, on {day}, {ticker} {what}")
    return said
