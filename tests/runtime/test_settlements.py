"""What became of options while nobody listened: found from what is held afterwards, and booked."""

import datetime as dt
import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from alo_lib.core import TradingCore
from alo_lib.journal import JournalWriter
from alo_lib.records import Contract, Kind, Message, OrderStatus, OrderType, records
from alo_lib.runtime import HostPosition, Replayer, market_record_of, reconcile
from alo_lib.runtime.delivered_counts import Delivery, fewest_delivered
from alo_lib.runtime.settlements import Listed, Settlement, settlements
from tests.core.script import FIRST, Script, at

NOW = 10_000
OVER, AHEAD = NOW - 1, NOW + 1
DAY = dt.date(2024, 4, 19)


def listed(*terms: tuple[float, int, int], price: float = math.nan) -> Listed:
    """Contracts 1, 2, ... of underlying 0: strike, right, time of expiry."""
    contracts = {number: (0, Contract(DAY, *each)) for number, each in enumerate(terms, 1)}
    return Listed(contracts, lambda underlying, time: price)


def found(held: dict[int, int], now: dict[int, int], known: Listed, cash: float | None = None) -> list[Settlement]:
    gaps = {number: now.get(number, 0) - held.get(number, 0) for number in {*held, *now}}
    return settlements(gaps, held, known, NOW, cash)


CALL, PUT = (100.0, +1, OVER), (100.0, -1, OVER)


@pytest.mark.parametrize(
    ("terms", "held", "now", "told"),
    [
        ([CALL], {1: 3}, {}, [(1, 3, 0, 0)]),  # expired for nothing
        ([CALL], {1: 3}, {0: 300}, [(1, 3, 3, 300)]),  # exercised
        ([CALL], {1: -3, 0: 50}, {0: -250}, [(1, -3, 3, -300)]),  # assigned
        ([PUT], {1: 3}, {0: -300}, [(1, 3, 3, -300)]),
        ([PUT], {1: -3}, {0: 300}, [(1, -3, 3, 300)]),
        ([PUT], {1: -3}, {0: 100}, [(1, -3, 1, 100)]),  # one of three, at the money
        ([CALL, PUT], {1: -2, 2: -2}, {0: 200}, [(1, -2, 0, 0), (2, -2, 2, 200)]),
        ([(100.0, -1, AHEAD)], {1: -3}, {0: 200, 1: -1}, [(1, -2, 2, 200)]),  # assigned before expiry
        ([(100.0, -1, AHEAD)], {1: -3}, {1: -1}, []),  # bought back
        ([CALL], {1: -3, 0: 0}, {0: -293}, [(1, -3, 3, -300)]),  # and seven shares bought
        ([(100.0, +1, AHEAD)], {1: 3}, {1: 4}, []),
        ([(100.0, +1, AHEAD)], {1: 3}, {1: -3}, []),  # beyond nothing: traded
    ],
)
def test_what_brought_the_shares_is_what_happened(
    terms: list[tuple[float, int, int]], held: dict[int, int], now: dict[int, int], told: list[tuple[int, ...]]
) -> None:
    result = found(held, now, listed(*terms))
    assert [(each.instrument, each.closed, each.delivered, each.shares) for each in result] == told


def test_cash_and_then_the_last_price_say_which_of_two_was_settled() -> None:
    """Two calls held long, of which one was exercised; and a long and a short one, whose shares cancel."""
    two = listed((95.0, +1, OVER), (105.0, +1, OVER))
    for strike, which in ((95.0, 1), (105.0, 2)):
        told = found({1: 1, 2: 1}, {0: 100}, two, cash=-100 * strike + 0.37)
        assert [each.instrument for each in told if each.delivered] == [which]
    priced = listed((95.0, +1, OVER), (105.0, +1, OVER), price=101.0)
    assert [each.delivered for each in found({1: 1, 2: 1}, {0: 100}, priced)] == [1, 0]
    spread = found({1: 1, 2: -1}, {}, two, cash=1_000.0)
    assert [each.delivered for each in spread] == [1, 1]
    assert [each.delivered for each in found({1: 1, 2: -1}, {}, two, cash=0.2)] == [0, 0]
    above = listed((95.0, +1, OVER), (105.0, +1, OVER), price=110.0)
    assert [each.delivered for each in found({1: 1, 2: -1}, {}, above)] == [1, 1]


def brought(terms: list[tuple[float, int, int]], held: dict[int, int], counts: Sequence[int]) -> tuple[int, float]:
    """Shares and cash that so many delivered contracts bring."""
    shares = [int(np.sign(held[n])) * terms[n - 1][1] * 100 * each for n, each in zip(held, counts, strict=True)]
    return sum(shares), -sum(each * terms[n][0] for n, each in enumerate(shares))


def test_random_settlements_are_found_wherever_shares_and_cash_tell_them_apart() -> None:
    chance = np.random.default_rng(4)
    apart = 0
    for _ in range(400):
        count = int(chance.integers(1, 4))
        terms = [(float(chance.choice([90, 95, 100, 105])), int(chance.choice([-1, 1])), OVER) for _ in range(count)]
        held = {number: int(chance.choice([-2, -1, 1, 2])) for number in range(1, count + 1)}
        way = [int(chance.integers(0, abs(held[number]) + 1)) for number in held]

        same = [
            each
            for each in itertools.product(*(range(abs(held[n]) + 1) for n in held))
            if brought(terms, held, each) == brought(terms, held, way)
        ]
        shares, money = brought(terms, held, way)
        told = found(held, {0: shares}, listed(*terms), cash=money)
        assert sum(each.shares for each in told) == shares
        assert -sum(each.shares * each.strike for each in told) == money
        if len(same) == 1:
            apart += 1
            assert [each.delivered for each in told] == way
    assert apart > 200


def test_of_many_contracts_those_in_the_money_count_as_exercised() -> None:
    terms = [(float(80 + number), +1, OVER) for number in range(40)]
    told = found(dict.fromkeys(range(1, 41), 1), {0: 2_000}, listed(*terms, price=100.0))
    assert [each.instrument for each in told if each.delivered] == list(range(1, 21))
    assert len(told) == 40


Told = list[tuple[int, int, int | None]]


def said(held: dict[int, int], now: dict[int, int], known: Listed, cash: float | None = None) -> Told:
    """Instrument, contracts closed, and how many of them were delivered; None where that is not known."""
    return [
        (each.instrument, each.closed, each.delivered if each.known else None) for each in found(held, now, known, cash)
    ]


AHEAD_CALL = (100.0, +1, AHEAD)


@pytest.mark.parametrize(
    ("terms", "price", "held", "now", "cash", "told"),
    [
        # In the money by 50 at expiry: exercised, and the 300 shares sold at 150.
        ([CALL], 150.0, {1: 3}, {}, 15_000.0, [(1, 3, 3)]),
        # Out of the money at expiry: nothing brought the 300 shares, which somebody bought at 90.
        ([CALL], 90.0, {1: 3}, {0: 300}, -27_000.0, [(1, 3, 0)]),
        ([CALL], 95.0, {1: 3, 0: -150}, {}, -150 * 95.0, [(1, 3, 0)]),
        # At the money to the cent: by shares and cash.
        ([PUT], 100.0, {1: -3}, {0: 100}, -10_002.0, [(1, -3, 1)]),
        # Unknown price: three calls sold before their expiry at 50 each, not expired for nothing.
        ([CALL], math.nan, {1: 3}, {}, 15_000.0, [(1, 3, None)]),
        ([CALL], math.nan, {1: 3}, {}, 0.9, [(1, 3, 0)]),
        ([CALL], math.nan, {1: 3}, {}, 9.0, [(1, 3, None)]),  # sold at 0.03
        ([CALL], math.nan, {1: 3}, {0: 300}, -30_009.0, [(1, 3, 3)]),  # delivered for three dollars a contract
        # Closed by hand at 2.00, and 100 or 150 shares bought back at 95.
        ([AHEAD_CALL], math.nan, {1: 3, 0: -100}, {}, 600 - 9_500.0, []),
        ([AHEAD_CALL], math.nan, {1: 3, 0: -150}, {}, 600 - 14_250.0, []),
        ([AHEAD_CALL], math.nan, {1: 2}, {0: 100}, None, []),  # one of two, or 100 shares
        ([AHEAD_CALL], math.nan, {1: 3}, {0: 300}, -30_001.5, [(1, 3, 3)]),
        ([AHEAD_CALL], math.nan, {1: 3}, {0: 200}, -20_001.0, [(1, 2, 2)]),  # and one is worth nothing
        ([AHEAD_CALL, (100.0, -1, AHEAD)], math.nan, {1: -2, 2: -2, 0: -80}, {}, -1_600 - 7_600.0, []),
        # Without cash and price: 100 shares may be of either put, unless a price between the strikes says which.
        (
            [(105.0, -1, OVER), (95.0, -1, OVER)],
            math.nan,
            {1: -2, 2: -2},
            {0: 100},
            None,
            [(1, -2, None), (2, -2, None)],
        ),
        ([(105.0, -1, OVER), (95.0, -1, OVER)], math.nan, {1: -2, 2: -2}, {0: 200}, None, [(1, -2, 2), (2, -2, 0)]),
        ([CALL], math.nan, {1: 3, 0: -150}, {}, None, [(1, 3, None)]),  # 150 bought, or 300 brought and 150 sold
    ],
)
def test_price_then_shares_with_cash_say_what_is_told(
    terms: list[tuple[float, int, int]],
    price: float,
    held: dict[int, int],
    now: dict[int, int],
    cash: float | None,
    told: Told,
) -> None:
    assert said(held, now, listed(*terms, price=price), cash) == told


@pytest.mark.parametrize("lots", [13, 14, 150])
def test_of_however_many_contracts_a_part_is_found(lots: int) -> None:
    """An iron condor whose short put at 95 expires at the money: three of them bring 300 shares for 28,500."""
    terms = [(105.0, +1, OVER), (95.0, -1, OVER), (110.0, +1, OVER), (90.0, -1, OVER)]
    held = {1: -lots, 2: -lots, 3: lots, 4: lots}
    for price in (95.0, math.nan):
        told = said(held, {0: 300}, listed(*terms, price=price), -28_500.0)
        assert told == [(1, -lots, 0), (2, -lots, 3), (3, lots, 0), (4, lots, 0)]


def test_of_twenty_contracts_shares_and_cash_find_what_was_delivered() -> None:
    """Puts of 20 strikes, five each, of which no price at expiry parts the four assigned: one at 90, three at 109."""
    terms = [(90.0 + place, -1, OVER) for place in range(20)]
    held = dict.fromkeys(range(1, 21), -5)
    told = said(held, {0: 400}, listed(*terms), -9_000.0 - 32_700.0)
    counts = {instrument: count for instrument, _, count in told if count}
    assert sum(count or 0 for count in counts.values()) == 4
    assert math.fsum(100 * (count or 0) * terms[each - 1][0] for each, count in counts.items()) == 41_700.0


def test_what_is_beyond_counting_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.runtime.delivered_counts._MOST_STEPS", 20)
    terms = [(90.0 + place, -1, OVER) for place in range(20)]
    told = said(dict.fromkeys(range(1, 21), -5), {0: 400}, listed(*terms), -41_700.0)
    assert {count for _, _, count in told} == {None}


def test_a_bounded_search_finds_what_looking_at_every_way_does() -> None:
    chance = np.random.default_rng(11)
    hits = 0
    for _ in range(300):
        count = int(chance.integers(1, 6))
        deliveries = [
            Delivery(
                int(chance.integers(1, 4)),
                100 * int(chance.choice([-1, 1])),
                float(chance.choice([0.0, 90.0, 95.0, 97.5, 100.0])),
                bool(chance.integers(0, 2)),
            )
            for _ in range(count)
        ]
        shares, cost = 100 * int(chance.integers(-3, 4)), 500.0 * int(chance.integers(-60, 61))
        slack = float(chance.choice([1.0, 600.0, np.inf]))
        ways = [
            (sum(way), abs(cost - sum(n * each.shares * each.strike for n, each in zip(way, deliveries, strict=True))))
            for way in itertools.product(*(((0, d.most) if d.whole else range(d.most + 1)) for d in deliveries))
            if sum(n * each.shares for n, each in zip(way, deliveries, strict=True)) == shares
        ]
        fitting = [way for way in ways if way[1] <= slack]
        result = fewest_delivered(deliveries, shares, cost, slack)
        assert (result is None) == (not fitting)
        if result is not None:
            hits += 1
            fewest = min(each[0] for each in fitting)
            assert sum(result.way) == fewest
            assert sum(n * each.shares for n, each in zip(result.way, deliveries, strict=True)) == shares
            assert result.alone == (sum(each[0] == fewest for each in fitting) == 1)
    assert hits > 60


# In a core -------------------------------------------------------------------------------------------------------


def held_over_expiry() -> tuple[TradingCore, dict[int, tuple[int, Contract]], dict[int, int]]:
    """A core that trades and hedges contracts whose expiry passes before it is started again."""
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    replayer = Replayer(market.journal)
    list(replayer.frames())
    replayer.core.journal_to(JournalWriter(segment_bytes=1 << 20))
    return replayer.core, market_record_of(market.journal.messages).contracts, dict(replayer.core.holdings)


def test_an_expiry_that_nobody_saw_ends_the_trades_and_books_what_was_delivered() -> None:
    core, contracts, held = held_over_expiry()
    options = [number for number in held if number in contracts]
    assert options
    later = max(contracts[number][1].expiry_time for number in options) + 1
    spot = 103.0
    shares, cash = held.get(0, 0), core.cash
    money = 0.0
    for number in options:
        terms = contracts[number][1]
        if terms.right * (spot - terms.strike) > 0:
            brought = int(np.sign(held[number])) * terms.right * abs(held[number]) * 100
            shares, money = shares + brought, money - brought * terms.strike
    positions = {0: HostPosition(shares, 100.0)} if shares else {}
    found = reconcile(
        core, positions, {}, later, cash=cash + money, listed=Listed(contracts, lambda underlying, time: spot)
    )
    assert {int(m.records["type"][0]) for m in found.messages} == {OrderType.OPTION_EXERCISE}
    assert all("while nobody listened" in each for each in found.findings)
    assert not any("the host is right" in each or "in cash" in each for each in found.findings[: len(options)])
    for message in found.messages:
        core.accept(message)
    assert core.refusals.count == 0
    assert core.holdings == ({0: shares} if shares else {})
    assert core.cash == pytest.approx(cash + money)
    assert core.open_frame(later)
    core.run()
    assert all(trade.settled_by is not None for trade in core.snapshot().state.strategy.trades)
    again = reconcile(core, positions, {}, later, cash=cash + money)
    assert again.findings == ["portfolio and open orders are as the journal says"]


def paying(amount: float, since: int, *terms: tuple[float, int, int], price: float = math.nan) -> Listed:
    """As :func:`listed`, where ``amount`` a share went ex after OVER; nothing was delivered before ``since``."""
    known = listed(*terms, price=price)
    return Listed(known.contracts, known.price_at, lambda underlying, time: amount * (time <= OVER), since)


@pytest.mark.parametrize("price", [math.nan, 120.0])
def test_shares_of_an_expiry_are_paid_the_dividends_since_or_owe_them(price: float) -> None:
    """Three calls at 100 that were assigned: the account has the strike, and paid 1.50 on each share it is short."""
    (told,) = found({1: -3}, {0: -300}, paying(1.5, 0, CALL, price=price), cash=300 * 100.0 - 300 * 1.5)
    assert (told.delivered, told.shares, told.paid, told.unsure, told.known) == (3, -300, 1.5, 0.0, True)
    (told,) = found({1: 2}, {0: 200}, paying(1.5, 0, CALL, price=price), cash=-200 * 100.0 + 200 * 1.5 - 4.0)
    assert (told.delivered, told.shares, told.paid) == (2, 200, 1.5)


EARLY = (100.0, -1, AHEAD)


@pytest.mark.parametrize(
    ("cash", "paid", "unsure"),
    [
        (-200 * 100.0 + 200 * 1.5 - 2.0, 1.5, 0.0),  # assigned before the ex-date
        (-200 * 100.0 - 2.0, 0.0, 0.0),  # and on it or after it
        (None, 0.0, 1.5),
    ],
)
def test_cash_says_on_which_side_of_an_ex_date_shares_were_delivered(
    cash: float | None, paid: float, unsure: float
) -> None:
    (told,) = found({1: -3}, {0: 200, 1: -1}, paying(1.5, 0, EARLY), cash=cash)
    assert (told.closed, told.delivered, told.shares, told.paid, told.unsure) == (-2, 2, 200, paid, unsure)


def test_what_was_delivered_between_two_ex_dates_is_not_guessed() -> None:
    assert found({1: -3}, {0: 200, 1: -1}, paying(1.5, 0, EARLY), cash=-200 * 100.0 + 200 * 0.7) == []


def test_the_dividend_on_shares_that_were_delivered_meanwhile_is_booked() -> None:
    """It went ex after the expiry, is told before the deliveries are found, and counts what was held then."""
    core, contracts, held = held_over_expiry()
    options = [number for number in held if number in contracts]
    expiry, spot, amount = max(contracts[number][1].expiry_time for number in options), 112.0, 1.25
    later, shares, cash = expiry + 3 * 86_400 * 10**9, held.get(0, 0), core.cash
    for number in options:
        terms = contracts[number][1]
        if terms.right * (spot - terms.strike) > 0:
            brought = int(np.sign(held[number])) * terms.right * abs(held[number]) * 100
            shares, cash = shares + brought, cash - brought * terms.strike
    assert shares != held.get(0, 0)
    core.accept(Message(Kind.DIVIDEND, later, records(Kind.DIVIDEND, time=later - 10**9, amount=amount)))
    known = Listed(contracts, lambda underlying, time: spot, lambda underlying, time: amount * (time <= expiry), 0)
    positions = {0: HostPosition(shares, 100.0)}
    result = reconcile(core, positions, {}, later, cash=cash + shares * amount, listed=known)
    assert any("of dividends on them since" in each for each in result.findings)
    assert not any("in cash" in each for each in result.findings)
    for message in result.messages:
        core.accept(message)
    assert core.refusals.count == 0
    assert core.cash == pytest.approx(cash + shares * amount, abs=1e-6)
    core.open_frame(later)
    core.run()
    assert core.cash == pytest.approx(cash + shares * amount, abs=1e-6)


def test_what_nothing_explains_is_said_and_the_host_is_right() -> None:
    """All is gone and no price is known: more cash than any fee says that somebody traded."""
    core, contracts, held = held_over_expiry()
    options = [number for number in held if number in contracts]
    later = max(contracts[number][1].expiry_time for number in options) + 1
    result = reconcile(core, {}, {}, later, cash=core.cash + 123_456.7, listed=Listed(contracts))
    unknown = [each for each in result.findings if "what became of them is not known" in each]
    assert len(unknown) == len(options)
    assert not any(word in each for each in result.findings for word in ("exercised", "assigned", "for nothing"))
    assert {int(m.records["type"][0]) for m in result.messages} == {OrderType.MARKET}
    for message in result.messages:
        core.accept(message)
    assert core.refusals.count == 0
    assert core.holdings == {}


def test_cash_counts_what_waits_for_a_frame() -> None:
    core, _, held = held_over_expiry()
    cash = core.cash
    core.accept(Message(Kind.DIVIDEND, at(FIRST, 11), records(Kind.DIVIDEND, time=at(FIRST, 9.5), amount=0.5)))
    assert core.cash == pytest.approx(cash + 0.5 * held.get(0, 0))
    sold = records(Kind.ORDER_EVENT, instrument=0, quantity=-10, price=90.0, fee=1.0, status=OrderStatus.FILLED)
    core.accept(Message(Kind.ORDER_EVENT, at(FIRST, 11), sold))
    waited = core.cash
    assert waited == pytest.approx(cash + 0.5 * held.get(0, 0) + 899.0)
    core.open_frame(at(FIRST, 11.1))
    core.run()
    assert core.cash == pytest.approx(waited)
