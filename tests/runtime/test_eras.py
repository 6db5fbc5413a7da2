"""A live journal that goes on under other settings, or by another program."""

import datetime as dt
import sys
from pathlib import Path

import pytest

from alo_lib.core import program
from alo_lib.core.adoption import AdoptionError, adopted, adoption
from alo_lib.journal import Journal, LiveObjectStoreJournal, eras_of, orders_of
from alo_lib.records import HaltCause, Kind, OperatorCommand, OrderReason, records
from alo_lib.runtime import Beginning, Replayer, begin, replay, steer
from alo_lib.settings import Settings
from alo_lib.strategy import hedging
from alo_lib.strategy.steering import Steering
from alo_lib.views.risk_ladder import risk_view
from tests.brief import BRIEF
from tests.core.script import FIRST, Script, at
from tests.journal.on_disk import OnDisk

NEXT = FIRST + dt.timedelta(days=1)
BASE = {**BRIEF, "underlyings": "TEST", "hedge": "delta_band", "hedge_band": 0.02}


@pytest.fixture
def store(tmp_path: Path) -> OnDisk:
    (tmp_path / "store").mkdir()
    return OnDisk(tmp_path / "store")


class Live:
    """A market whose core lives in an object store, and is killed and started again."""

    def __init__(self, store: OnDisk, settings: dict[str, object]) -> None:
        self.store = store
        self.market = Script(settings=Settings.of(settings))
        self.start(settings)
        self.market.underlying = self.market.core.instruments.add_equity("TEST")

    def start(self, settings: dict[str, object], name: str | None = None) -> Beginning:
        """Begin a life; the last one was killed."""
        market, place = self.market, LiveObjectStoreJournal(self.store, name or program())
        market.writer.abandon()
        market.settings = Settings.of(settings)
        beginning = begin(market.settings, place, adopts=True)
        market.core, market.writer = beginning.decided_again(), beginning.writer
        self.place = place
        return beginning

    def keep(self) -> Journal:
        """Keep the journal, as it is between two frames, and read it."""
        self.place.keep(self.market.writer)
        return self.place.so_far()


def held_by_orders(journal: Journal) -> dict[str, int]:
    found: dict[str, int] = {}
    for order in orders_of(journal.messages):
        found[order.symbol] = found.get(order.symbol, 0) + order.filled
    return {symbol: quantity for symbol, quantity in found.items() if quantity}


def held(core: object) -> dict[str, int]:
    return {core.instruments.symbol(number): quantity for number, quantity in core.holdings.items()}  # type: ignore[attr-defined]


def with_a_trade(store: OnDisk) -> Live:
    live = Live(store, BASE)
    live.market.session()
    live.market.bar(10, volatility=0.35)
    assert held(live.market.core)
    return live


def test_a_start_with_another_band_adopts_the_book_and_goes_on(store: OnDisk) -> None:
    live = with_a_trade(store)
    before = live.keep()
    state = live.market.core.last_state().state.strategy
    trades = [(trade.number, trade.legs, trade.quantity, trade.premium) for trade in state.trades]
    book, cash = held(live.market.core), live.market.core.cash
    beginning = live.start(BASE | {"hedge_band": 0.03, "cash": 5.0})
    assert "hedge-band was 0.02 and is 0.03" in beginning.findings[-1]
    assert beginning.findings[-1].startswith("era 2 of the journal begins with 2 trades, 5 positions, 0 working orders")
    core = live.market.core
    assert held(core) == book == held_by_orders(live.keep())
    assert core.cash == cash
    now = core.last_state().state.strategy
    assert [(trade.number, trade.legs, trade.quantity, trade.premium) for trade in now.trades] == trades
    live.market.bar(11, spot=102, volatility=0.33)
    live.market.session(NEXT, [101.0])
    live.market.bar(10, spot=99, volatility=0.15)
    journal = live.keep()
    assert list(journal.messages[: len(before.messages)][-1].records.tobytes()) == list(
        before.messages[-1].records.tobytes()
    )
    assert held(live.market.core) == held_by_orders(journal)
    numbers = [order.number for order in orders_of(journal.messages)]
    assert numbers == sorted(set(numbers))
    assert OrderReason.EXIT_EDGE.tag in {order.tag for order in orders_of(journal.messages)}
    assert [era.first for era in eras_of(journal)] == [0, len(before.messages)]
    told = replay(journal)
    assert told.divergence is None
    assert told.messages == len(journal.messages)


def another_program(monkeypatch: pytest.MonkeyPatch, name: str, more: int = 0) -> None:
    """From here on the program has another name, and hedges with some shares more."""
    for module in ("alo_lib.runtime.resumption", "alo_lib.runtime.replay"):
        monkeypatch.setattr(sys.modules[module], "program", lambda: name)
    monkeypatch.setattr("alo_lib.strategy.targets.shares_wanted", lambda *given: hedging.shares_wanted(*given) + more)


def test_a_program_that_hedges_otherwise_adopts_what_the_journal_says(
    store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = with_a_trade(store)
    before = live.keep()
    was = live.market.core.last_state().state.strategy
    another_program(monkeypatch, "another", more=7)
    beginning = live.start(BASE, "another")
    assert f"era 1 was decided by program {program()[:8]}, and this one decides otherwise" in beginning.findings[-1]
    now = live.market.core.last_state().state.strategy
    assert now.holdings == was.holdings
    assert now.portfolio.cash == was.portfolio.cash
    assert now.orders_working == was.orders_working
    assert (now.last_order, now.last_trade) == (was.last_order, was.last_trade)
    for trade, other in zip(was.trades, now.trades, strict=True):
        for name in (
            "number",
            "legs",
            "ratios",
            "expiries",
            "direction",
            "quantity",
            "opened_at",
            "premium",
            "progress",
        ):
            assert getattr(trade, name) == getattr(other, name), name
        assert trade.signal.tobytes() == other.signal.tobytes()
    for number, underlying in was.underlyings.items():
        profits = now.underlyings[number].profit.trades
        assert {each: profit.parts for each, profit in underlying.profit.trades.items()} == {
            each: profit.parts for each, profit in profits.items()
        }
        assert now.underlyings[number].forecaster.model is not None
    live.market.bar(11, spot=102, volatility=0.33)
    live.market.session(NEXT, [101.0])
    live.market.bar(10, spot=99, volatility=0.15)
    journal = live.keep()
    assert held(live.market.core) == held_by_orders(journal)
    numbers = [order.number for order in orders_of(journal.messages)]
    assert numbers == sorted(set(numbers))
    assert [era.program for era in eras_of(journal)] == [program(), "another"]
    replayer = Replayer(journal)
    frames = [frame.sequence for frame in replayer.frames()]
    assert replayer.continuation.at_end
    assert frames[-1] > len(before.messages)
    (said,) = replayer.unlike
    otherwise = f"era 1 was decided by program {program()[:8]}, and this one decides otherwise"
    assert said.startswith(f"{otherwise}: its {len(before.messages)} messages were followed")
    # By the program that wrote the first era it is the second that differs.
    another_program(monkeypatch, program())
    first = Replayer(journal)
    list(first.frames())
    (said,) = first.unlike
    assert said.startswith("era 2 was decided by program another")


def test_a_program_that_decides_the_same_goes_on_in_the_same_era(
    store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = with_a_trade(store)
    another_program(monkeypatch, "another")
    live.start(BASE, "another")
    live.market.bar(11, spot=102, volatility=0.33)
    journal = live.keep()
    assert [(era.number, era.program) for era in eras_of(journal)] == [(1, "another")]
    assert replay(journal).divergence is None


def test_a_persons_halt_and_a_trade_being_closed_are_adopted(store: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    live = with_a_trade(store)
    market = live.market
    steer(market.core, records(Kind.OPERATOR, command=OperatorCommand.FLATTEN), market.core.last_frame + 1)
    market.refuse = {market.core.instruments.symbol(number) for number in market.core.holdings}
    market.bar(11, spot=102, volatility=0.33)
    undone = [trade.undone_by for trade in market.core.last_state().state.strategy.trades]
    assert undone == [OrderReason.EXIT_RISK] * 2
    market.refuse = set()
    live.keep()
    another_program(monkeypatch, "another", more=7)
    live.start(BASE, "another")
    now = market.core.last_state().state.strategy
    assert market.core.halts == {HaltCause.OPERATOR_FLATTEN}
    assert [trade.undone_by for trade in now.trades] == undone
    market.bar(12, spot=102, volatility=0.33)
    assert held(market.core) == {}
    steer(market.core, records(Kind.OPERATOR, command=OperatorCommand.UNDO), market.core.last_frame + 1)
    market.bar(13, spot=102, volatility=0.33)
    assert market.core.halts == set()
    assert replay(live.keep()).divergence is None


def test_an_adoption_that_holds_no_state_is_refused() -> None:
    market = Script()
    rows = adoption(market.core.snapshot(), 0).records
    assert len(rows) > 1
    for damaged in (rows[:0], rows[1:], rows[:-1], rows[::-1]):
        with pytest.raises(AdoptionError, match="parts in order, and is not"):
            adopted(damaged, market.settings)
    changed = rows.copy()
    changed["state"][0] = b"no state"
    with pytest.raises(AdoptionError, match="its adopted state cannot be read: "):
        adopted(changed, market.settings)


def test_a_limit_that_a_person_has_set_still_holds_and_is_told(store: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the new era's settings, for which what was reckoned of the old ones does not count."""
    live = with_a_trade(store)
    market = live.market
    limit = records(Kind.OPERATOR, command=OperatorCommand.SET_LIMIT, limit=b"max_drawdown", value=0.1)
    assert steer(market.core, limit, market.core.last_frame + 1).done
    market.bar(11, spot=101, volatility=0.33)
    live.keep()
    beginning = live.start(BASE | {"max_drawdown": 0.15, "max_vega": 0.002})
    assert beginning.findings[-1].endswith("; limits that a person has set still hold: max-drawdown 0.1")
    settings = market.core.last_state().state.settings
    assert (settings.max_drawdown, settings.max_vega) == (0.1, 0.002)
    market.bar(12, spot=101, volatility=0.33)
    journal = live.keep()
    assert replay(journal).divergence is None
    for time, share in ((at(FIRST, 10.5), 0.003), (None, 0.002)):
        view = risk_view(journal, time)
        vega = next(row for row in view.limits if (row.limit, row.part) == ("max_vega", "book"))
        assert vega.allowed == pytest.approx(share * view.equity)


def test_steering_of_other_settings_is_not_remembered() -> None:
    steering = Steering(limits={"max_drawdown": 0.1})
    one, other = (Settings.of({"entry_edge": edge}) for edge in (0.02, 0.03))
    assert [steering.in_force(each).entry_edge for each in (one, other, one)] == [0.02, 0.03, 0.02]


def test_what_cannot_be_adopted_is_refused_and_nothing_is_written(store: OnDisk) -> None:
    live = with_a_trade(store)
    count = len(live.keep().messages)
    with pytest.raises(
        AdoptionError, match="has trades, positions or orders in TEST: add TEST to them until it is flat"
    ):
        live.start(BASE | {"underlyings": "OTHER"})
    live.start(BASE)
    assert len(live.keep().messages) == count
