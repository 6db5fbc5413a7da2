"""A core that was restarted, and the host that went on without it."""

import pytest

from alo_lib.core import TradingCore
from alo_lib.journal import Journal, JournalWriter, read_journal
from alo_lib.records import Kind, Message, OrderStatus, Session, records
from alo_lib.runtime import HostOrder, HostPosition, Replayer, reconcile
from tests.core.script import FIRST, NEXT, Script, at

TIME = 10**18 * 2


def killed(refuse_answers: bool = True) -> tuple[Script, TradingCore]:
    """A market whose core is killed after it has sent its first orders, and the core that its journal makes again."""
    market = Script()
    market.session()
    if refuse_answers:
        market.answer = lambda intent, time: None  # type: ignore[method-assign]
    market.bar(10, volatility=0.35)
    journal = market.journal
    replayer = Replayer(journal)
    list(replayer.frames())
    replayer.core.journal_to(JournalWriter(segment_bytes=1 << 20))
    return market, replayer.core


def test_nothing_to_reconcile_is_said() -> None:
    _, core = killed(refuse_answers=False)
    positions = {instrument: HostPosition(quantity, 1.0) for instrument, quantity in core.holdings.items()}
    assert positions
    found = reconcile(core, positions, {}, TIME)
    assert (found.messages, found.findings) == ([], ["portfolio and open orders are as the journal says"])


def test_cash_that_the_broker_has_booked_is_said_and_not_told() -> None:
    _, core = killed(refuse_answers=False)
    positions = {instrument: HostPosition(quantity, 1.0) for instrument, quantity in core.holdings.items()}
    same = reconcile(core, positions, {}, TIME, cash=core.cash + 0.004)
    assert same.findings == ["portfolio and open orders are as the journal says"]
    found = reconcile(core, positions, {}, TIME, cash=core.cash + 12.34)
    stated = f"the host has {core.cash + 12.34:.2f} in cash, the journal says {core.cash:.2f}"
    assert found.findings == [f"{stated}: the core goes on with the journal's"]
    assert found.messages == []
    (remark,) = found.remarks(TIME)
    assert remark.records["text"][0].decode() == found.findings[0]


def test_an_order_that_was_filled_meanwhile_is_told_as_filled() -> None:
    _, core = killed()
    (number, (instrument, wanted)), *others = core.orders_working.items()
    positions = {instrument: HostPosition(wanted, 2.5)}
    orders = {other: HostOrder(remaining, 0.0) for other, (_, remaining) in others}
    found = reconcile(core, positions, orders, TIME)
    (message,) = found.messages
    row = message.records[0]
    assert (row["order"], row["instrument"], row["quantity"], row["price"]) == (number, instrument, wanted, 2.5)
    assert row["status"] == OrderStatus.FILLED
    name = core.instruments.symbol(instrument)
    assert f"order {number} for {wanted} {name} was filled for {wanted}" in found.findings[0]
    core.accept(message)
    core.open_frame(TIME)
    core.run()
    assert core.holdings[instrument] == wanted
    assert number not in core.orders_working


def test_an_order_that_never_arrived_is_told_as_canceled() -> None:
    _, core = killed()
    count = len(core.orders_working)
    found = reconcile(core, {}, {}, TIME)
    assert [message.records["status"][0] for message in found.messages] == [OrderStatus.CANCELED] * count
    assert all("never reached the host, or was canceled there" in finding for finding in found.findings)
    for message in found.messages:
        core.accept(message)
    core.open_frame(TIME)
    core.run()
    assert not core.orders_working.keys() & set(range(1, count + 1))


def test_an_order_that_was_partly_filled_goes_on() -> None:
    _, core = killed()
    number, (instrument, wanted) = next(iter(core.orders_working.items()))
    side = 1 if wanted > 0 else -1
    orders = {n: HostOrder(left, 0.0) for n, (_, left) in core.orders_working.items()}
    orders[number] = HostOrder(wanted - side, 3.0)
    found = reconcile(core, {instrument: HostPosition(side, 3.0)}, orders, TIME)
    (message,) = found.messages
    assert message.records["quantity"][0] == side
    assert message.records["status"][0] == OrderStatus.PARTIALLY_FILLED
    assert any("is still working" in finding for finding in found.findings)


def test_what_was_traded_behind_its_back_is_told() -> None:
    _, core = killed(refuse_answers=False)
    positions = {instrument: HostPosition(quantity, 1.0) for instrument, quantity in core.holdings.items()}
    instrument = next(iter(positions))
    positions[instrument] = HostPosition(positions[instrument].quantity + 7, 9.0)
    found = reconcile(core, positions, {}, TIME)
    assert [(m.records["order"][0], m.records["quantity"][0]) for m in found.messages] == [(0, 7)]
    assert found.findings[0].endswith("the host is right")
    core.accept(found.messages[0])
    core.open_frame(TIME)
    core.run()
    assert core.holdings[instrument] == positions[instrument].quantity


def test_what_was_closed_while_nobody_listened_is_booked_at_the_last_quote() -> None:
    market, core = killed(refuse_answers=False)
    before, held = core.cash, core.holdings
    shares = int(market.underlying["instrument"][0])
    contract = next(each for each in held if each != shares)
    left = held[shares] - held[shares] // 2
    kept = {each: HostPosition(quantity, 3.0) for each, quantity in held.items() if each != contract}
    found = reconcile(core, kept | {shares: HostPosition(left, 3.0)}, {}, TIME, cash=before + 1.0)
    # The average price of what is held tells nothing of a fill that closed a part of it, or all.
    assert {int(m.records["instrument"][0]): float(m.records["price"][0]) for m in found.messages} == {
        shares: 0.0,
        contract: 0.0,
    }
    assert not any("in cash" in finding for finding in found.findings)
    core.journal_to(written := Written())
    for message in found.messages:
        core.accept(message)
    quote = market.quotes[market.quotes["instrument"] == contract][0]
    mid = (float(quote["bid"]) + float(quote["ask"])) / 2
    expected = before + held[contract] * mid * 100 + (held[shares] - left) * 100.0
    assert core.cash == pytest.approx(expected)
    core.open_frame(TIME)
    core.run()
    assert core.cash == pytest.approx(expected)
    _, earlier = killed(refuse_answers=False)
    for message in found.messages:  # as an earlier program has them in its journal
        earlier.admit_recorded(message)
    earlier.open_frame(TIME)
    earlier.run()
    assert earlier.cash == core.cash
    # Reports and whoever else reads the journal are told the same.
    told = [message.records[0] for message in written.messages if message.kind is Kind.ORDER_EVENT]
    assert {int(row["instrument"]): float(row["price"]) for row in told} == pytest.approx(
        {shares: 100.0, contract: mid}
    )


class Written:
    """A journal as a list."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, message: Message) -> int:
        self.messages.append(message)
        return len(self.messages) - 1

    def flush(self) -> None:
        pass


def holder(shares: int) -> TradingCore:
    """A core that holds shares of TEST, made again from its journal before the next day's session."""
    market = Script()
    market.session()
    bought = records(Kind.ORDER_EVENT, instrument=0, quantity=shares, price=90.0, status=OrderStatus.FILLED)
    market.tell(at(FIRST, 9.2), Kind.ORDER_EVENT, bought)
    market.core.open_frame(at(FIRST, 9.2) + 1)
    assert not len(market.core.run())  # there are no quotes
    replayer = Replayer(market.journal)
    list(replayer.frames())
    replayer.core.journal_to(JournalWriter(segment_bytes=1 << 20))
    return replayer.core


@pytest.mark.parametrize(
    ("factor", "at_host", "told"),
    [
        (1 / 3, 303, []),  # three for one
        (1 / 3, 310, [7]),  # and seven more were bought behind its back
        (8.0, 12, []),  # one for eight: 12.625, of which the rest is cash
        (8.0, 0, [-12]),
    ],
)
def test_shares_that_split_on_the_morning_of_a_restart_are_split_once(
    factor: float, at_host: int, told: list[int]
) -> None:
    core, morning, opens = holder(101), at(NEXT, 9), at(NEXT, 9.5)
    core.accept(Message(Kind.SESSION, morning, Session(NEXT, opens, at(NEXT, 16)).record()))
    core.accept(Message(Kind.SPLIT, morning, records(Kind.SPLIT, time=opens, instrument=0, factor=factor)))
    positions = {0: HostPosition(at_host, 30.0)} if at_host else {}
    found = reconcile(core, positions, {}, morning)
    assert [message.records["quantity"][0] for message in found.messages] == told
    for message in found.messages:
        core.accept(message)
    core.open_frame(morning + 1)
    core.run()
    assert core.holdings == ({0: at_host} if at_host else {})


def test_a_fill_that_waits_for_a_frame_is_not_told_again() -> None:
    core = holder(101)
    sold = records(Kind.ORDER_EVENT, instrument=0, quantity=-1, price=90.0, status=OrderStatus.FILLED)
    core.accept(Message(Kind.ORDER_EVENT, at(FIRST, 9.3), sold))
    found = reconcile(core, {0: HostPosition(100, 90.0)}, {}, at(FIRST, 9.3))
    assert found.messages == []
    core.open_frame(at(FIRST, 9.3) + 1)
    core.run()
    assert core.holdings == {0: 100}


def test_an_order_that_the_journal_does_not_know_is_to_be_canceled() -> None:
    _, core = killed(refuse_answers=False)
    positions = {instrument: HostPosition(quantity, 1.0) for instrument, quantity in core.holdings.items()}
    found = reconcile(core, positions, {99: HostOrder(5, 0.0)}, TIME)
    assert found.to_cancel == [99]
    assert found.remarks(TIME)[0].kind is Kind.EVENT


def test_a_core_that_was_killed_within_a_frame_decides_the_rest_of_it() -> None:
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    messages = list(market.journal.messages)
    frame = next(i for i, message in enumerate(messages) if message.kind is Kind.INTENT)
    replayer = Replayer(Journal(market.journal.settings, messages[:frame]))
    list(replayer.frames())
    assert replayer.continuation.extra[0].records.tobytes() == messages[frame].records.tobytes()
    assert read_journal(market.store.images(), unfinished=True).messages[frame].kind is Kind.INTENT
