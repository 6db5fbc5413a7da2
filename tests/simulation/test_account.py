"""Cash, average prices and results by hand."""

from decimal import Decimal

import pytest

from alo_lib.simulation.money import fitted
from tests.simulation.desk import Desk, at, contract

NOW = at(10)


def test_fills_move_cash_positions_and_fees() -> None:
    desk = Desk(contract(100.0, +1))
    desk.account.fill(1, 3, Decimal("2.50"), Decimal("1.95"), NOW)
    desk.account.fill(0, -30, Decimal("100.01"), Decimal(1), NOW)
    assert desk.account.cash == Decimal(100_000) - 750 - Decimal("1.95") + Decimal("3000.30") - 1
    assert desk.account.fees == Decimal("2.95")
    assert desk.account.volume == 750 + Decimal("3000.30")
    assert [(number, position.quantity) for number, position in desk.account.held()] == [(0, -30), (1, 3)]


@pytest.mark.parametrize("sign", [+1, -1])
def test_average_price_grows_with_a_position_and_stays_as_it_shrinks(sign: int) -> None:
    account = Desk().account
    for quantity, price in ((100, 10), (300, 12), (-200, 15)):
        account.fill(0, sign * quantity, Decimal(price), Decimal(0), NOW)
    assert account.position(0).quantity == sign * 200
    assert account.position(0).average_price == Decimal("11.5")
    assert account.realized == sign * 200 * Decimal("3.5")
    account.fill(0, -sign * 500, Decimal(9), Decimal(0), NOW)  # through zero
    assert account.position(0).quantity == -sign * 300
    assert account.position(0).average_price == 9
    account.fill(0, sign * 300, Decimal(9), Decimal(0), NOW)
    assert not list(account.held())


def test_closing_profits_are_recorded_less_twice_the_fee_as_lean_does() -> None:
    account = Desk().account
    account.fill(0, 100, Decimal(10), Decimal(1), NOW)
    account.fill(0, -50, Decimal(11), Decimal(1), NOW + 1)
    account.fill(0, -50, Decimal(9), Decimal(1), NOW + 2)
    assert [(p.time - NOW, p.profit, p.is_win) for p in account.profits] == [
        (1, Decimal(48), True),
        (2, Decimal(-52), False),
    ]
    assert account.realized == 0


def test_an_average_of_sevenths_leaves_no_dust_in_a_profit() -> None:
    desk = Desk()
    for quantity, price in ((6, "1.43"), (1, "1.42")):  # 1.42857... on average, 10.00 in all
        desk.account.fill(0, quantity, Decimal(price), Decimal(0), NOW)
    desk.quote(NOW, 0, bid=1.425, ask=1.435)
    assert desk.account.unrealized(desk.prices) == Decimal("-0.025") - 1  # the least fee of an order
    desk.account.fill(0, -7, Decimal("1.425"), Decimal(0), NOW)
    assert desk.account.realized == Decimal("-0.025")


@pytest.mark.parametrize(
    ("exact", "held"),
    [
        # 2^96 - 1 is the largest integer that .NET's decimal holds, one more loses a digit, halves to even
        ("7.9228162514264337593543950335", "7.9228162514264337593543950335"),
        ("7.9228162514264337593543950336", "7.922816251426433759354395034"),
        ("79228162514264337593543950334.5", "79228162514264337593543950334"),
        ("0.00000000000000000000000000005", "0"),
        ("0.00000000000000000000000000015", "0.0000000000000000000000000002"),
    ],
)
def test_a_decimal_has_96_bits_and_28_decimals(exact: str, held: str) -> None:
    assert fitted(Decimal(exact)) == Decimal(held)
    assert fitted(Decimal(f"-{exact}")) == Decimal(f"-{held}")


def test_a_decimal_ends_at_96_bits() -> None:
    with pytest.raises(OverflowError, match="more than"):
        fitted(Decimal(2**96))


def test_equity_values_options_at_the_middle_and_shares_at_the_last_trade() -> None:
    desk = Desk(contract(100.0, +1))
    desk.quote(NOW, 0, bid=99.0, ask=100.0)
    desk.trade(NOW, 99.9)
    desk.quote(NOW, 1, bid=2.0, ask=2.1)
    desk.hold(1, -2, "2.0")
    desk.hold(0, 100, "99.5")
    assert desk.account.equity(desk.prices) == 100_000 + 400 - 9950 - 410 + 9990
    # unrealized is what closing at the touch would leave after its fees
    assert desk.account.unrealized(desk.prices) == -20 - Decimal("1.30") - 50 - 1


def test_a_split_leaves_whole_shares_and_cash_for_the_rest() -> None:
    account = Desk().account
    account.fill(0, -101, Decimal(650), Decimal(0), NOW)
    cash = account.cash
    account.split(0, 1 / 7, Decimal(93))
    assert account.quantity(0) == -707
    assert account.cash == cash
    account.split(0, 2.0, Decimal(186))  # a reverse split of two into one
    assert account.quantity(0) == -353
    assert account.cash == cash - Decimal("0.5") * 186


def test_a_short_position_pays_dividends() -> None:
    account = Desk().account
    account.fill(0, -200, Decimal(10), Decimal(0), NOW)
    assert account.receive_dividend(0, Decimal("0.47")) == Decimal(-94)
    assert account.cash == 100_000 + 2000 - 94
    assert account.realized == -94
