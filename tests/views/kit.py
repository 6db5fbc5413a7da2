"""Small runs, made by hand, that the tests of views and command line read."""

import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np

from alo_lib.journal import JOURNAL_FOLDER, JournalWriter
from alo_lib.market import Coverage, DataFindings, FaultKind, FaultLog
from alo_lib.records import (
    Contract,
    InstrumentTable,
    Kind,
    Message,
    OrderReason,
    OrderStatus,
    OrderType,
    leg_columns,
    records,
)
from alo_lib.views import Run, summarize
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.blotter import positions

MINUTE = 60 * 1_000_000_000
OPEN = 1_704_205_800 * 1_000_000_000  # 2024-01-02 09:30 New York
CLOSE = OPEN + 390 * MINUTE
EXPIRY = dt.date(2024, 2, 16)
EXPIRY_TIME = 1_708_117_200 * 1_000_000_000
START_EQUITY = 100_000.0
DAY = dt.date(2024, 1, 3)
FINDINGS = DataFindings((Coverage("ALFA", 2, bars=2, quotes=1, universes=2, daily=2, without_quotes=(DAY,)),), ("so",))


def order_event(order, instrument, quantity, price, fee, *, type_=OrderType.MARKET, status=OrderStatus.FILLED):
    return records(
        Kind.ORDER_EVENT,
        order=order,
        instrument=instrument,
        status=status,
        type=type_,
        quantity=quantity,
        price=price,
        fee=fee,
    )


def _market(time, frame, share, legs):
    """A bar of the day, of which ``share`` has passed: prices, quotes, a frame and what it thinks of the pair."""
    put, call = legs
    spot = 100.0 + share
    return [
        Message(Kind.TRADE, time, records(Kind.TRADE, instrument=0, close=spot, volume=100)),
        Message(
            Kind.QUOTE,
            time,
            records(
                Kind.QUOTE,
                3,
                instrument=[0, put, call],
                bid=[spot - 0.01, 2.95 - share, 2.95 + share],
                ask=[spot + 0.01, 3.05 - share, 3.05 + share],
                bid_size=50,
                ask_size=50,
            ),
        ),
        Message(Kind.FRAME, time, records(Kind.FRAME, frame=frame)),
        Message(
            Kind.SIGNAL,
            time,
            records(
                Kind.SIGNAL,
                underlying=0,
                structure="straddle",
                **leg_columns((call, put), (1, 1)),
                direction=-1,
                implied_volatility=0.25 - 0.02 * share,
                forecast_volatility=0.2,
                edge=120.0,
                edge_volatility=0.05,
                vega=3000.0,
            ),
        ),
    ]


def _exposure(time, bar, spot, *, held):
    """What the frame after a bar finds in the book."""
    rows = records(
        Kind.EXPOSURE,
        underlying=0,
        structures=int(held),
        spot=spot,
        delta=-25.0 * held,
        gamma=-8.0 * held,
        vega=-6000.0 * held,
        theta=3650.0 * held,
        equity=START_EQUITY + bar,
    )
    return Message(Kind.EXPOSURE, time, rows)


def traded_messages(bars=60):
    """A straddle sold in the morning, hedged, and bought back; the underlying rises a dollar.

    Two puts make 2 x 0.70 x 100, two calls 2 x 0.20 x 100, thirty shares 30 x 0.48; fees are 10.00: it gains 184.40.
    """
    table = InstrumentTable()
    equity = table.add_equity("ALFA")
    chain = table.add_contracts("ALFA", [Contract(EXPIRY, 100.0, right, EXPIRY_TIME) for right in (+1, -1)])
    put, call = (int(number) for number in chain["instrument"])
    messages = [
        Message(Kind.INSTRUMENT, OPEN - 30 * MINUTE, equity),
        Message(Kind.SESSION, OPEN - 30 * MINUTE, records(Kind.SESSION, open=OPEN, close=CLOSE, date=20240102)),
        Message(Kind.RATE, OPEN - 30 * MINUTE, records(Kind.RATE, rate=0.05)),
        Message(Kind.INSTRUMENT, OPEN - 30 * MINUTE, chain),
        Message(
            Kind.FORECAST,
            OPEN + MINUTE,
            records(Kind.FORECAST, underlying=0, expiry=EXPIRY_TIME, volatility=0.2, spot=100.0),
        ),
    ]
    for bar in range(1, bars + 1):
        time, spot = OPEN + bar * MINUTE, 100.0 + bar / bars
        messages += _market(time, bar, bar / bars, (put, call))
        if bar == 10:
            messages += _trade(time, [(1, put, -2, 1.9, 2.0), (2, call, -2, 4.1, 2.0)], OrderReason.ENTRY)
        if bar == 20:
            messages += _trade(time, [(3, 0, 30, 100.34, 1.0)], OrderReason.HEDGE)
        if bar == 50:
            messages += _trade(
                time, [(4, put, 2, 1.2, 2.0), (5, call, 2, 3.9, 2.0), (6, 0, -30, 100.82, 1.0)], OrderReason.EXIT_EDGE
            )
        messages.append(_exposure(time, bar, spot, held=10 <= bar < 50))
    messages.append(
        Message(
            Kind.NOTICE, OPEN + bars * MINUTE, records(Kind.NOTICE, underlying=0, text=b"ALFA: all <closed> & done")
        )
    )
    return messages


def quiet_messages():
    """A session in which nothing was traded and nothing forecast."""
    equity = InstrumentTable().add_equity("ALFA")
    return [
        Message(Kind.INSTRUMENT, OPEN, equity),
        Message(Kind.SESSION, OPEN, records(Kind.SESSION, open=OPEN, close=CLOSE, date=20240102)),
        Message(Kind.TRADE, OPEN + MINUTE, records(Kind.TRADE, instrument=0, close=100.0, volume=1)),
        Message(Kind.FRAME, OPEN + MINUTE, records(Kind.FRAME, frame=1)),
    ]


def _trade(time, legs, reason):
    intents = records(Kind.INTENT, len(legs), type=OrderType.MARKET, reason=reason)
    for row, (order, instrument, quantity, _, _) in zip(intents, legs, strict=True):
        row["order"], row["instrument"], row["quantity"] = order, instrument, quantity
    events = [Message(Kind.INTENT, time, intents)]
    for order, instrument, quantity, price, fee in legs:
        events.append(
            Message(Kind.ORDER_EVENT, time, order_event(order, instrument, 0, 0.0, 0.0, status=OrderStatus.SUBMITTED))
        )
        events.append(Message(Kind.ORDER_EVENT, time, order_event(order, instrument, quantity, price, fee)))
    return events


def write_journal(folder, messages, settings=b"{}"):
    writer = JournalWriter.create(folder, settings=settings, segment_bytes=1 << 16)
    for message in messages:
        writer.append(message)
    writer.close()


def lean_results(end=START_EQUITY, equity=None, sharpe="0"):
    """The part of LEAN's results that the views read; equity rises and falls on its way to ``end``."""
    equity = equity or (START_EQUITY, START_EQUITY + 150.0, START_EQUITY + 50.0, end)
    first = OPEN // 1_000_000_000
    candles = [[first + 3600 * hour, value, value, value, value] for hour, value in enumerate(equity)]
    return {
        "charts": {"Strategy Equity": {"series": {"Equity": {"values": candles}}}},
        "statistics": {"Total Orders": "6"},
        "state": {"Status": "Completed", "RuntimeError": "", "StackTrace": ""},
        "totalPerformance": {
            "portfolioStatistics": {
                "startEquity": str(equity[0]),
                "endEquity": str(equity[-1]),
                "sharpeRatio": sharpe,
            }
        },
    }


def write_results(folder: Path, messages, *, results=None, name="alo", settings=b"{}"):
    """What an engine leaves in its results folder; without ``results``, ones that state what the journal tells of."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / JOURNAL_FOLDER, ignore_errors=True)
    write_journal(folder / JOURNAL_FOLDER, messages, settings)
    (folder / f"{name}.json").write_text(json.dumps(results or lean_results(START_EQUITY + gained(Run(folder)))))
    (folder / f"{name}-summary.json").write_text("{}")
    (folder / f"{name}-order-events.json").write_text("[]")


def gained(run):
    """What a run's journal says that its account gained."""
    told = attribution_by_trade(run).values()
    return sum(one.profit for one in positions(run)) + sum(parts["interest"] + parts["borrow"] for parts in told)


def settings_object(**changes):
    span = {"underlyings": ["ALFA"], "start": "2024-01-02", "end": "2024-01-02", "resolution": "minute"}
    return span | {"entry_edge": 0.02} | changes


def noise(count, seed=7):
    return np.random.default_rng(seed).normal(size=count)


def left_out():
    """Three rows of a thousand."""
    faults = FaultLog(keep=1)
    faults.count_row(1000)
    for line in (3, 4, 5):
        faults.record(FaultKind.CROSSED, "a.zip", entry="b.csv", line=line)
    return faults


def run_of(folder, messages, *, faults=None, **more):
    """The folder of a finished run with these messages; of its data three rows were left out, or ``faults``."""
    faults = faults or left_out()
    write_results(folder, messages, **more)
    (folder / "settings.json").write_text(json.dumps(settings_object()))
    run = Run(folder)
    summary = summarize(run, engine="embedded", findings=FINDINGS, faults=faults, wall_seconds=1.25, folder=str(folder))
    (folder / "run.json").write_text(
        json.dumps(
            {
                "engine": "embedded",
                "versions": {"python": "3.11.7"},
                "commit": None,
                "started": "2024-01-02T00:00:00Z",
                "summary": summary,
            }
        )
    )
    (folder / "data.json").write_text(json.dumps({"digest": "d" * 64, "files": []}))
    (folder / "faults.json").write_text(
        json.dumps({"counts": summary["skipped"], "first": ["a.zip#b.csv:3: crossed quote"]})
    )
    return run
