"""Every field of every kind of input at and beside the ends of what it may have: the run goes on and replays equal."""

import math
from typing import Any

import numpy as np
import pytest

from alo_lib.core.frame_plan import FrameTask
from alo_lib.records import (
    LAYOUTS,
    RANGES,
    TIMES,
    Kind,
    Members,
    Message,
    OrderStatus,
    Range,
    Records,
    leg_columns,
    records,
)
from alo_lib.runtime import replay
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.policy_records import policy_records
from tests.core.killing import quick_calibrator
from tests.core.odd import FIELDS, ends
from tests.core.script import FIRST, Script, at, of_test
from tests.sampled import sampled

# A rate of next to nothing, 5e-324, overflows where pricing divides by it; what follows takes infinity.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in divide:RuntimeWarning")

QUICK = of_test(calibration_frames=1, entry_delay=0)
TEST, PUT, CALL, COUNT = 0, 3, 4, 7
SYMBOLS = [
    b"",
    b" ",
    b"\xff" * 24,
    b"TEST",
    b"TEST  240418P00120000",
    b"TEST  240418P99999999",
    b"x" * 24,
    b"TEST  2404\n",
]
FAR = at(FIRST, 16) + 45 * 86_400 * 10**9


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are remembered: the same request gives the same bits."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)


def trading() -> Script:
    """A market of three strikes in which a trade is open, hedged, and one order works."""
    market = Script(QUICK, strikes=(95.0, 100.0, 105.0))
    market.session()
    for hour in (10, 10.1):
        market.bar(hour, volatility=0.35)
    assert market.core.holdings[TEST]
    market.answer = lambda intent, time: None  # type: ignore[method-assign]
    market.bar(10.2, spot=112.0, volatility=0.35)
    assert market.core.orders_working
    return market


def usual(kind: Kind, market: Script) -> Records:
    """A record that is let in, or refused for nothing but what it says again."""
    order, (instrument, rest) = max(market.core.orders_working.items(), default=(1, (TEST, 1)))
    opens = {"open": at(FIRST, 9.5), "close": at(FIRST, 16), "date": 20240304}
    option = {"instrument": COUNT, "kind": 1, "american": 1, "right": -1, "multiplier": 100, "strike": 120.0}
    event = {"order": order, "instrument": instrument, "quantity": rest, "price": 100.0, "fee": 1.0, "type": 0}
    now, policy = at(FIRST, 10.3), policy_records(HedgingPolicy.zero(1.0))
    columns: dict[Kind, dict[str, Any]] = {
        Kind.INSTRUMENT: option | {"expiry": FAR, "symbol": b"TEST  240418P00120000"},
        Kind.SESSION: opens,
        Kind.CLOSE: {"time": at(FIRST, 9), "close": 100.0},
        Kind.RANGE: {"time": at(FIRST, 9), "open": 100.0, "high": 101.0, "low": 99.0},
        Kind.CALENDAR: {"open": at(FIRST, 33.5), "close": at(FIRST, 40)},
        Kind.SCHEDULED: {"time": FAR, "move": 0.05, "name": b"earnings"},
        Kind.RATE: {"rate": 0.01},
        Kind.CURVE: {"expiry": FAR, "rate": 0.01},
        Kind.DIVIDEND: {"time": now, "amount": 0.1},
        Kind.ANNOUNCED: {"time": FAR, "amount": 0.1},
        Kind.ACTION: {"time": FAR, "action": 1},
        Kind.POLICY: {name: policy[name] for name in LAYOUTS[Kind.POLICY].names or ()},
        Kind.SPLIT: {"time": now, "factor": 1.0},
        Kind.INTEREST: {"days": 1, "amount": 1.0, "rate": 0.01},
        Kind.TRADE: {"close": 100.0, "volume": 1},
        Kind.QUOTE: {"instrument": PUT, "bid": 3.0, "ask": 3.1, "bid_size": 9, "ask_size": 9},
        Kind.ORDER_EVENT: event | {"status": OrderStatus.FILLED},
        Kind.EXTERNAL_STAGE: {"stage": 1, "external": 1},
        Kind.EXTERNAL_INSIGHT: {"until": FAR, "direction": 1, "magnitude": 0.1, **leg_columns((CALL, PUT), (1, 1))},
        Kind.EXTERNAL_TARGET: {"instrument": PUT, "stage": 2, "quantity": 1},
        Kind.HALT: {"cause": 1, "halted": 1},
        Kind.OPERATOR: {"command": 1},
        Kind.TAKEOVER: {"instrument": CALL, "version": 1, "quantity": market.core.holdings.get(CALL, 0), "price": 1.0},
    }
    return records(kind, len(policy) if kind is Kind.POLICY else 1, **columns[kind])


def allowed(kind: Kind, field: str, value: Any) -> bool:
    """Whether a field may have a value, by its row of the table; those without one are asked otherwise."""
    told = RANGES[kind].get(field)
    if isinstance(told, Members):
        return value in set(told.of)
    if isinstance(told, Range):
        return bool(told.low <= value <= told.high) or (told.unknown and math.isnan(value))
    return True


def members(kind: Kind, field: str) -> list[int]:
    """The numbers of a word and those beside them."""
    told = RANGES[kind].get(field)
    return [] if not isinstance(told, Members) else [*sorted(told.of), max(told.of) + 1]


CASES = [(kind, field) for kind in RANGES for field in FIELDS[kind]]


def test_every_kind_of_input_has_a_range_for_what_is_no_name() -> None:
    """An instrument is asked of what was told; all other numbers have a row in the table."""
    names = {"instrument", "underlying"}
    without = [(kind.name, field) for kind, field in CASES if field not in RANGES[kind] and field not in names]
    assert without == []
    assert {kind for kind in Kind if kind < Kind.FORECAST} == {*RANGES, Kind.FRAME, Kind.CALIBRATION, Kind.ADOPTION}


@pytest.mark.parametrize(
    ("kind", "field"), sampled(CASES, every=2), ids=[f"{kind.name}-{field}" for kind, field in CASES]
)
def test_a_field_at_its_limits(kind: Kind, field: str) -> None:
    market = trading()
    core = market.core
    for value in [*ends(kind, field), *members(kind, field)]:
        rows = usual(kind, market)
        rows[field] = np.array(value, LAYOUTS[kind][field])
        before, time = core.refusals.count, core.last_frame + 1
        if kind.is_external and field != "within":
            core.accept(Message(Kind.TRADE, time, records(Kind.TRADE, close=100.0, volume=1)))
            assert core.open_frame(time + 1)
            core.run_through(FrameTask.VALUE)
            core.overrule(Message(kind, time, rows.copy()))
        else:
            core.accept(Message(kind, time, rows.copy()))
            core.open_frame(time + 1, skip_empty=False)
        core.run()
        if not allowed(kind, field, value):
            assert core.refusals.count == before + 1, value
    goes_on(market)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_of_any_bytes(symbol: bytes) -> None:
    market = trading()
    rows = usual(Kind.INSTRUMENT, market)
    rows["symbol"] = symbol
    market.tell(at(FIRST, 10.3), Kind.INSTRUMENT, rows)
    goes_on(market)


@pytest.mark.parametrize("kind", list(RANGES))
def test_a_message_of_any_time(kind: Kind) -> None:
    market = trading()
    for time in (-(2**63), -1, 0, 1, int(TIMES.high), int(TIMES.high) + 1, 2**63 - 1):
        before = market.core.refusals.count
        market.tell(time, kind, usual(kind, market))
        assert market.core.refusals.count > before or 0 <= time <= TIMES.high
    goes_on(market)


def goes_on(market: Script) -> None:
    """Two bars more are decided, and all again."""
    before = market.core.last_frame
    for hour in (10.5, 10.6):
        market.bar(hour, spot=101.0, volatility=0.3)
    assert market.core.last_frame > before
    assert math.isfinite(market.core.cash)
    assert replay(market.journal).divergence is None
