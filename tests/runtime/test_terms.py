"""Under which terms orders are sent, and what those of others are."""

from pathlib import Path

import pytest

from alo_lib.core import program
from alo_lib.journal import JournalError, LiveObjectStoreJournal, read_journal, segments_of
from alo_lib.records import Kind, Message, OrderReason, records
from alo_lib.runtime import begin, open_core
from alo_lib.runtime.terms import Terms, terms_of
from tests.core.seeds import SETTINGS
from tests.journal.on_disk import OnDisk


@pytest.mark.parametrize(
    ("number", "term", "is_fenced"),
    [
        (7, 3, False),  # sent before the restart
        (7, 4, False),  # decided by one process, and sent by the next
        (7, 0, False),  # by a program that named no term
        (8, 4, True),  # its number was given twice: by who was stopped, and by who leads
        (9, 4, True),  # the journal never had it
        (9, 5, False),
    ],
)
def test_an_order_of_a_term_that_had_ended_when_it_was_sent_is_fenced(number: int, term: int, is_fenced: bool) -> None:
    terms = Terms(lambda: 5, {7: 3, 8: 5})
    assert terms.is_fenced(term, number) is is_fenced
    assert Terms().is_fenced(term, number) is False  # a backtest has no terms
    assert Terms().is_earlier(term) is False
    Terms().look(term, "any")


def test_the_term_is_that_of_the_core_which_leads_and_an_order_keeps_the_one_it_was_sent_in() -> None:
    leads = [4]
    terms = Terms(lambda: leads[0])
    assert terms.send([7]) == 4
    leads[0] = 0  # another core begins
    assert terms.send([8]) == 4
    leads[0] = 6
    assert terms.send([9, 10]) == 6
    assert [terms.is_fenced(term, number) for number, term in ((7, 4), (8, 4), (9, 6), (10, 4))] == [False] * 3 + [True]
    assert [terms.is_earlier(term) for term in (0, 3, 4, 6)] == [False, True, False, False]


def test_who_sees_a_later_term_sends_nothing_more() -> None:
    terms = Terms(lambda: 4, {7: 3})
    for term in (0, 3, 4):
        terms.look(term, "'hedge #7'")
    why = (
        "the broker works 'hedge #7 @5' for ONE of term 5, and this is term 4: another process has gone on from the "
        "journal, and this one sends nothing more; if none has, cancel that order and start again"
    )
    for step in (
        lambda: terms.look(5, "'hedge #7 @5' for ONE"),
        lambda: terms.look(4, "'hedge #7 @4' for ONE"),
        lambda: terms.send([8]),
        terms.require_leading,
    ):
        with pytest.raises(JournalError) as raised:
            step()
        assert str(raised.value) == why


def test_a_journal_tells_in_which_term_each_order_was_decided(tmp_path: Path) -> None:
    """Three lives: the second decides nothing, the third number 2 anew."""
    store = OnDisk(tmp_path)
    for orders in ((1, 2), (), (2, 3)):
        place = LiveObjectStoreJournal(store, program())
        writer = begin(SETTINGS, place).writer
        for order in orders:
            writer.append(Message(Kind.INTENT, 0, records(Kind.INTENT, order=order, reason=OrderReason.HEDGE)))
        place.settle(writer)
    journal = read_journal(segments_of(store.read), unfinished=True)
    assert terms_of(journal) == {1: 1, 2: 3, 3: 3}


def test_a_host_has_the_term_of_its_journal_live_and_none_in_a_backtest(tmp_path: Path) -> None:
    for term in (1, 2, 3):
        hosted = open_core(SETTINGS, OnDisk(tmp_path), live=True, hear=lambda sentence: None).hosted
        hosted.settle()
        assert hosted.term == term
    assert open_core(SETTINGS, OnDisk(tmp_path), live=False, hear=lambda sentence: None).hosted.term == 0
