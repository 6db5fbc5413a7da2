"""When a host's positions are its broker's, and which of them is believed where they differ."""

from alo_lib.records import SECOND
from alo_lib.runtime.account_watch import STANDS, AccountWatch
from alo_lib.runtime.host_position import HostPosition


def held(**positions: int) -> dict[str, HostPosition]:
    return {symbol: HostPosition(quantity, 10.0) for symbol, quantity in positions.items()}


def wrong(
    watch: AccountWatch, time: int, believed: dict[str, HostPosition], told: dict[str, HostPosition]
) -> dict[str, HostPosition]:
    """What is wrong where no order works."""
    looked = watch.look(time, believed, told, {}, ())
    assert looked.lost == []
    return looked.wrong


def test_a_difference_counts_once_it_has_stood_unchanged() -> None:
    watch = AccountWatch()
    assert watch.is_sure
    assert wrong(watch, 0, held(A=1), held(A=2)) == {}
    assert not watch.is_sure
    assert wrong(watch, STANDS - 1, held(A=1), held(A=2)) == {}
    assert wrong(watch, STANDS, held(A=1), held(A=2)) == held(A=2)
    assert watch.is_sure


def test_one_that_changes_begins_anew_and_one_that_goes_is_forgotten() -> None:
    watch = AccountWatch()
    wrong(watch, 0, held(A=1), held(A=2))
    assert wrong(watch, STANDS, held(A=1), held(A=3)) == {}
    assert wrong(watch, 2 * STANDS - SECOND, held(A=3), held(A=3)) == {}
    assert watch.is_sure
    assert wrong(watch, 2 * STANDS, held(A=3), held()) == {}
    assert wrong(watch, 3 * STANDS, held(A=3), held()) == {"A": HostPosition(0, 0.0)}


def test_what_an_order_works_in_is_not_looked_at() -> None:
    watch = AccountWatch()
    for time in (0, STANDS, 2 * STANDS):
        assert watch.look(time, held(A=1, B=5), held(A=2), {1: "A", 2: "B"}, (1, 2)) == ({}, [])
    assert watch.is_sure


def test_after_a_connection_was_lost_nobody_is_sure_until_both_were_seen() -> None:
    watch = AccountWatch()
    watch.gone()
    assert not watch.is_sure
    watch.back(())
    assert watch.connected
    assert not watch.is_sure
    wrong(watch, 0, held(A=1), held(A=1))
    assert watch.is_sure


def test_an_order_of_before_a_lost_connection_that_the_broker_works_no_more_is_lost_in_time() -> None:
    watch, ours = AccountWatch(), {1: "A", 2: "B"}
    watch.look(0, held(), held(), ours, (1,))
    assert watch.is_sure  # while the connection stands what becomes of an order is told
    watch.gone()
    watch.back(ours)
    ours[3] = "C"  # sent since then: it may not have come to the broker yet
    assert watch.look(SECOND, held(), held(A=7), ours, (2,)) == ({}, [])
    assert watch.look(STANDS, held(), held(A=7), ours, (2,)) == ({}, [])
    assert watch.look(STANDS + SECOND, held(), held(A=7), ours, (2,)) == ({}, [1])
    assert not watch.is_sure  # what is held in its symbol is looked at from then on
    assert watch.look(2 * STANDS + SECOND, held(), held(A=7), ours, (2,)) == (held(A=7), [])
    assert watch.is_sure
