"""What a core is told of a session, over a host whose answers are written down here."""

import datetime as dt

import pytest

from alo_lib.market.event_files import DatedEvent, When
from alo_lib.records import CALENDAR_DAY, ActionKind, Contract, Kind, Message
from alo_lib.runtime import MarketRecord, Teller, Timetable, market_record_of
from alo_lib.runtime.missed import told_late
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.strategy.policy_format import policy_digest
from tests.runtime.scripted_host import (
    EXPIRY,
    FIRST_BAR,
    LATER,
    MONDAY,
    SETTINGS,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    Listener,
    Run,
    ScriptedHost,
    contract,
    session_of,
    utc,
)


@pytest.fixture
def host() -> ScriptedHost:
    days = [FIRST_BAR + dt.timedelta(days=n) for n in range((THURSDAY - FIRST_BAR).days + 1)]  # none left out
    closes = [(day, 100.0 + n + 1e-9) for n, day in enumerate(days)]
    return ScriptedHost(
        closes={"ONE": closes, "TWO": [(day, close / 2) for day, close in closes]},
        listed={"ONE": [contract(105.0, +1), contract(105.0, -1), contract(100.0, +1)], "TWO": [contract(50.0, -1)]},
    )


def of_kind(messages: list[Message], kind: Kind) -> list[list[tuple[object, ...]]]:
    return [message.records.tolist() for message in messages if message.kind is kind]


def splits_of(messages: list[Message]) -> list[tuple[int, int, float]]:
    """Instrument, warning and factor of each."""
    rows = [message.records[0] for message in messages if message.kind is Kind.SPLIT]
    return [(int(row["instrument"]), int(row["warning"]), float(row["factor"])) for row in rows]


def dividends_of(messages: list[Message]) -> list[tuple[int, int, float]]:
    """Instrument, ex-time and amount of each."""
    rows = [row for message in messages if message.kind is Kind.DIVIDEND for row in message.records]
    return [(int(row["instrument"]), int(row["time"]), float(row["amount"])) for row in rows]


def in_bytes(messages: list[Message]) -> list[tuple[Kind, int, bytes]]:
    return [(message.kind, message.time, message.records.tobytes()) for message in messages]


def test_a_fresh_start_in_the_order_that_all_engines_share(host: ScriptedHost) -> None:
    host.paid = {"TWO": [(TUESDAY, 0.25)]}
    run = Run(host)
    assert [run.teller.number(ticker) for ticker in ("ONE", "TWO")] == [0, 1]
    messages = run.begin(WEDNESDAY)
    assert {message.time for message in messages} == {utc(WEDNESDAY, 14)}
    assert [message.kind.name for message in messages] == [
        *("INSTRUMENT", "SESSION", "RATE"),
        *("RANGE", "CLOSE", "DIVIDEND", "RANGE", "CLOSE"),
        *("INSTRUMENT", "INSTRUMENT", "CALENDAR"),
    ]
    equities, first, second = (m.records for m in messages if m.kind is Kind.INSTRUMENT)
    assert equities["symbol"].tolist() == [b"ONE", b"TWO"]
    assert first["symbol"].tolist() == [b"ONE   151231C00100000", b"ONE   151231P00105000", b"ONE   151231C00105000"]
    assert first["instrument"].tolist() == [2, 3, 4]
    assert second[["instrument", "underlying", "strike"]].tolist() == [(5, 1, 50.0)]
    assert of_kind(messages, Kind.SESSION) == [[(utc(WEDNESDAY, 14.5), utc(WEDNESDAY, 21), 20151223)]]
    assert of_kind(messages, Kind.RATE) == [[(0.01,)]]
    closes, others = of_kind(messages, Kind.CLOSE)
    ranges, _ = of_kind(messages, Kind.RANGE)
    assert len(closes) == len(ranges) == len(others) == 261  # what the model is fitted to, and the one before
    assert closes[0][0] == utc(dt.date(2015, 4, 6), 21)
    assert closes[-1] == (utc(TUESDAY, 21), 0, 0, 424.0)  # the 325th, to six decimals
    assert ranges[-1] == (utc(TUESDAY, 21), 0, 0, 423.0, 426.0, 422.0)
    assert others[-1] == (utc(TUESDAY, 21), 1, 0, 212.0)
    assert dividends_of(messages) == [(1, utc(TUESDAY, 14.5), 0.25)]


def test_rates_to_each_expiry_are_told_where_they_are_not_the_one_in_force(host: ScriptedHost) -> None:
    later = EXPIRY + dt.timedelta(days=7)
    host.listed["ONE"] = [contract(100.0, +1), contract(100.0, -1), contract(100.0, +1, later)]
    host.listed["TWO"] = [contract(50.0, +1)]
    for rates, told in (
        (None, []),
        ([0.01, 0.01 + 1e-13], []),
        ([0.01, 0.012], [[(utc(EXPIRY, 21), 0.01), (utc(later, 21), 0.012)]]),
    ):
        host.rates = rates
        messages = Run(host).begin(WEDNESDAY)
        assert of_kind(messages, Kind.CURVE) == told
        kinds = [message.kind for message in messages]
        assert not told or kinds.index(Kind.CURVE) == len(kinds) - 2  # once all contracts are told, before CALENDAR


def test_the_second_day_tells_what_is_new(host: ScriptedHost) -> None:
    host.paid = {"ONE": [(TUESDAY, 0.25)]}
    run = Run(host)
    run.begin(WEDNESDAY)
    host.listed["ONE"] = [contract(105.0, +1, interest=70), contract(110.0, +1)]
    messages = run.begin(THURSDAY)
    assert [message.kind.name for message in messages] == [
        *("SESSION", "RATE", "RANGE", "CLOSE", "RANGE", "CLOSE", "INSTRUMENT", "INSTRUMENT", "CALENDAR")
    ]
    assert of_kind(messages, Kind.CLOSE) == [
        [(utc(WEDNESDAY, 21), 0, 0, 425.0)],
        [(utc(WEDNESDAY, 21), 1, 0, 212.5)],
    ]
    contracts = next(message.records for message in messages if message.kind is Kind.INSTRUMENT)
    assert contracts[["instrument", "open_interest"]].tolist() == [(4, 70), (6, 10)]
    assert run.teller.told.today == {4, 5, 6}


def test_after_a_half_day_and_a_holiday(host: ScriptedHost) -> None:
    run = Run(host)
    run.begin(WEDNESDAY)
    (row,) = next(message.records for message in run.begin(THURSDAY) if message.kind is Kind.SESSION)
    assert int(row["close"]) == utc(THURSDAY, 18)
    messages = run.begin(MONDAY)
    assert of_kind(messages, Kind.CLOSE)[0] == [(utc(THURSDAY, 18), 0, 0, 426.0)]
    assert host.asked[:2] == [261, 261]
    assert max(host.asked[2:]) <= 5  # no more is read each day than days have gone by


@pytest.mark.parametrize("cut", ["whole", "underlyings alone"])
def test_a_restart_in_mid_session_goes_on_from_the_journal(host: ScriptedHost, cut: str) -> None:
    host.paid = {"ONE": [(TUESDAY, 0.25)]}
    run = Run(host)
    journal = run.begin(WEDNESDAY)
    if cut == "underlyings alone":  # killed as the first session was about to be told
        journal = journal[:1]
    again = Run(host, told=market_record_of(journal))
    assert again.teller.told.session == (WEDNESDAY if cut == "whole" else None)
    for message in journal:
        if message.kind is Kind.INSTRUMENT:
            again.core.instruments.know(message.records)
    if cut == "whole":
        assert again.teller.told == run.teller.told
        run.core.held = again.core.held = {0: [3]}
        host.listed["ONE"] = [contract(110.0, +1)]
        assert in_bytes(again.begin(THURSDAY)) == in_bytes(run.begin(THURSDAY))
    else:
        assert in_bytes(journal + again.begin(WEDNESDAY)) == in_bytes(Run(host).begin(WEDNESDAY))


def test_a_restart_days_later_tells_what_went_ex_meanwhile(host: ScriptedHost) -> None:
    host.paid = {"ONE": [(TUESDAY, 0.25), (THURSDAY, 0.5), (MONDAY, 0.75)]}
    run = Run(host)
    run.begin(WEDNESDAY)
    messages = run.begin(MONDAY)
    assert dividends_of(messages) == [(0, utc(THURSDAY, 14.5), 0.5), (0, utc(MONDAY, 14.5), 0.75)]
    assert [row[0] for row in of_kind(messages, Kind.CLOSE)[0]] == [utc(WEDNESDAY, 21), utc(THURSDAY, 18)]


def test_a_warning_comes_the_session_before_a_split(host: ScriptedHost) -> None:
    host.divided, host.warned = {"ONE": [(THURSDAY, 0.5)]}, {("ONE", WEDNESDAY): 0.5}
    run = Run(host)
    assert splits_of(run.begin(WEDNESDAY)) == [(0, 1, 0.5)]
    assert splits_of(run.begin(THURSDAY)) == [(0, 0, 0.5)]
    assert splits_of(run.begin(MONDAY)) == []


def test_what_took_place_while_nobody_ran_is_told_as_it_was(host: ScriptedHost) -> None:
    """Down over Wednesday and Thursday: paid 1.00 before a split of them, 0.30 after it, and today's own split."""
    run = Run(host)
    run.begin(TUESDAY)
    host.paid["ONE"] = [(WEDNESDAY, 1.0), (THURSDAY, 0.3)]
    host.divided["ONE"] = [(WEDNESDAY, 0.5), (MONDAY, 0.1)]
    told = [m for m in run.begin(MONDAY) if m.kind in (Kind.DIVIDEND, Kind.SPLIT)]
    assert [(m.kind, m.records["time"].tolist()) for m in told] == [
        (Kind.DIVIDEND, [utc(WEDNESDAY, 14.5)]),
        (Kind.SPLIT, [utc(WEDNESDAY, 14.5)]),
        (Kind.DIVIDEND, [utc(THURSDAY, 14.5)]),
        (Kind.SPLIT, [utc(MONDAY, 14.5)]),
    ]
    assert [float(m.records["amount"][0]) for m in told if m.kind is Kind.DIVIDEND] == [1.0, 0.3]
    said = [
        sentence
        for message, held in zip(told, (100, 100, 200, 200), strict=True)
        for sentence in told_late(message, session_of(MONDAY), TUESDAY, run.core.instruments, {0: held})
    ]
    assert said == [
        "while nobody ran, on 2015-12-23, ONE paid 1 a share: +100.00 for 100 shares is booked",
        "while nobody ran, on 2015-12-23, ONE split, each share into 2: 100 shares are counted anew",
        "while nobody ran, on 2015-12-24, ONE paid 0.3 a share: +60.00 for 200 shares is booked",
    ]
    for message in told:
        assert not told_late(message, session_of(MONDAY), None, run.core.instruments, {0: 100})
        assert not told_late(message, session_of(MONDAY), TUESDAY, run.core.instruments, {})


def test_the_first_day_takes_its_own_split_and_ex_date(host: ScriptedHost) -> None:
    """Past dividends count per share as shares were before today's split, and after every earlier one."""
    host.divided = {"TWO": [(dt.date(2015, 9, 1), 0.25), (WEDNESDAY, 0.5)]}
    host.paid = {"TWO": [(dt.date(2014, 11, 18), 8.0), (dt.date(2015, 8, 3), 8.0), (TUESDAY, 3.0), (WEDNESDAY, 1.0)]}
    host.warned = {("TWO", WEDNESDAY): 0.2}  # and another one follows
    messages = Run(host).begin(WEDNESDAY)
    summer = dt.date(2015, 8, 3)
    assert dividends_of(messages) == [
        (1, utc(dt.date(2014, 11, 18), 14.5), 2.0),  # 400 days ago
        (1, utc(summer, 14.5), 2.0),
        (1, utc(TUESDAY, 14.5), 3.0),
        (1, utc(WEDNESDAY, 14.5), 1.0),
    ]
    assert splits_of(messages) == [(1, 0, 0.5), (1, 1, 0.2)]
    kinds = [message.kind for message in messages if message.kind in (Kind.DIVIDEND, Kind.SPLIT)]
    assert kinds == [Kind.DIVIDEND, Kind.SPLIT, Kind.SPLIT]


def test_a_spin_off_is_told_apart_and_as_far_back_as_bars_are(host: ScriptedHost) -> None:
    """260 closes are told of, so a spin-off of a year ago moved one; regular ones count for a year alone."""
    longest = dt.timedelta(days=260 * 7 // 5)
    host.close = 100.0
    settings_first = WEDNESDAY - longest
    host.paid = {"ONE": [(settings_first - dt.timedelta(days=1), 20.0), (settings_first, 30.0), (TUESDAY, 0.5)]}
    host.divided = {"ONE": [(dt.date(2015, 9, 1), 0.5)]}
    rows = of_kind(Run(host).begin(WEDNESDAY), Kind.DIVIDEND)[0]
    # Within 400 days both are told.
    assert [(row[2], row[5], row[6]) for row in rows] == [(2, 10.0, 50.0), (2, 15.0, 50.0), (0, 0.5, 100.0)]


def test_an_action_of_the_user_s_file_is_told_the_session_before_and_moves_no_forecast(host: ScriptedHost) -> None:
    host.close = 100.0
    host.paid = {"ONE": [(MONDAY, 0.5)]}  # small, and yet a spin-off: the file says so
    host.dated = {"ONE": [DatedEvent(MONDAY, When.BEFORE, "spin-off", known=WEDNESDAY)]}
    run = Run(host)
    for day, ahead in ((WEDNESDAY, False), (THURSDAY, True), (MONDAY, False)):
        messages = run.begin(day)
        told = of_kind(messages, Kind.ACTION)
        assert told == ([[(utc(MONDAY, 14.5), 0, 1, 0, 0)]] if ahead else [])
        assert of_kind(messages, Kind.SCHEDULED) == []
    (rows,) = of_kind(messages, Kind.DIVIDEND)
    assert [(row[2], row[5]) for row in rows] == [(2, 0.5)]


def test_from_the_last_day_of_an_underlying_on_each_session_tells_it_unless_the_file_has_a_merger(
    host: ScriptedHost,
) -> None:
    host.last_days = {"ONE": THURSDAY}
    run = Run(host)
    told = [of_kind(run.begin(day), Kind.ACTION) for day in (WEDNESDAY, THURSDAY, MONDAY)]
    ends = [[[(utc(day, 14.5), 0, ActionKind.DELISTING, 0, 0)]] for day in (MONDAY, MONDAY + CALENDAR_DAY)]
    assert told == [[], *ends]
    host.dated = {"ONE": [DatedEvent(MONDAY, When.BEFORE, "merger", known=WEDNESDAY)]}
    assert of_kind(Run(host).begin(THURSDAY), Kind.ACTION) == [[(utc(MONDAY, 14.5), 0, ActionKind.MERGER, 0, 0)]]


def test_dividends_of_more_than_400_days_ago_are_not_told(host: ScriptedHost) -> None:
    host.paid = {"ONE": [(dt.date(2014, 11, 17), 1.0)]}
    assert dividends_of(Run(host).begin(WEDNESDAY)) == []


def test_what_is_held_is_told_though_it_is_not_selected_and_keeps_its_number(host: ScriptedHost) -> None:
    """A stock that got a new name lists the same contracts under it: the core's names are the settings'."""
    run = Run(host)
    run.begin(WEDNESDAY)
    run.core.held = {0: [3, 4]}
    host.listed["ONE"] = [contract(105.0, +1, interest=99), contract(50.0, +1)]
    messages = run.begin(THURSDAY)
    rows = next(message.records for message in messages if message.kind is Kind.INSTRUMENT)
    assert rows[["instrument", "open_interest"]].tolist() == [(6, 10), (3, 10), (4, 99)]
    assert {row["symbol"][:3] for row in rows} == {b"ONE"}


def test_what_has_expired_is_not_told_though_it_was_held_or_selected(host: ScriptedHost) -> None:
    """LEAN settles on the night after, and a selection stays where the universe's file is missing."""
    host.listed["ONE"] = [contract(105.0, +1, THURSDAY), contract(100.0, +1, THURSDAY), contract(100.0, -1, LATER)]
    host.listed["ONE"][:2] = [
        Contract(c.expiry, c.strike, c.right, utc(THURSDAY, 18), 10) for c in host.listed["ONE"][:2]
    ]
    run = Run(host)
    run.begin(THURSDAY)
    assert len(run.teller.told.today) == 4
    run.core.held = {0: [2]}
    rows = next(message.records for message in run.begin(MONDAY) if message.kind is Kind.INSTRUMENT)
    assert rows["symbol"].tolist() == [b"ONE   160115P00100000"]


def test_the_record_is_what_the_messages_say(host: ScriptedHost) -> None:
    run = Run(host)
    messages = run.begin(WEDNESDAY)
    run.core.held = {1: [5]}
    messages += run.begin(THURSDAY)
    told = market_record_of(messages)
    assert told == run.teller.told
    assert told.underlyings == {"ONE": 0, "TWO": 1}
    assert told.contracts[5] == (1, contract(50.0, -1))
    assert told.last_close == {0: utc(WEDNESDAY, 21), 1: utc(WEDNESDAY, 21)}


# What is ahead ------------------------------------------------------------------------------------------------------


def test_the_sessions_ahead_reach_one_beyond_the_last_expiry(host: ScriptedHost) -> None:
    """By the exchange's calendar: the Eve is a half day, Christmas and the New Year are closed."""
    run = Run(host)
    (told,) = of_kind(run.begin(WEDNESDAY), Kind.CALENDAR)
    days = [THURSDAY, MONDAY, *(dt.date(2015, 12, day) for day in (29, 30, 31)), dt.date(2016, 1, 4)]
    assert told == [session_of(day)[1:] for day in days]
    host.listed["ONE"] = [contract(100.0, +1, LATER)]
    (told,) = of_kind(run.begin(THURSDAY), Kind.CALENDAR)
    assert told[0] == session_of(MONDAY)[1:]
    assert told[-2:] == [session_of(day)[1:] for day in (LATER, LATER + dt.timedelta(3))]
    host.listed = {"ONE": [], "TWO": []}
    assert of_kind(run.begin(MONDAY), Kind.CALENDAR) == []


def test_events_are_told_each_session_as_far_as_they_are_known(host: ScriptedHost) -> None:
    nan = float("nan")
    host.dated["TWO"] = [
        DatedEvent(dt.date(2014, 1, 2), When.BEFORE, "long ago"),
        DatedEvent(dt.date(2015, 12, 19), When.AFTER, "on a Saturday", 0.02),
        DatedEvent(THURSDAY, When.AFTER, "earnings", 0.05),
        DatedEvent(THURSDAY, When.DURING, "a ruling", nan, THURSDAY),
        DatedEvent(MONDAY, When.BEFORE, "figures"),
        DatedEvent(dt.date(2016, 1, 5), When.BEFORE, "after all options"),
        DatedEvent(dt.date(2016, 1, 6), When.BEFORE, "not known yet", nan, dt.date(2016, 1, 4)),
    ]
    run = Run(host)
    monday = utc(MONDAY, 14.5)
    rows = of_kind(run.begin(WEDNESDAY), Kind.SCHEDULED)[0]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        (utc(dt.date(2015, 12, 21), 14.5), 1, b"on a Saturday"),
        (monday, 1, b"earnings + figures"),  # at one open
        (utc(dt.date(2016, 1, 5), 14.5), 1, b"after all options"),
    ]
    assert rows[0][3] == 0.02
    assert str(rows[1][3]) == "nan"
    rows = of_kind(run.begin(THURSDAY), Kind.SCHEDULED)[0]
    assert [row[4] for row in rows] == [b"on a Saturday", b"a ruling", b"earnings + figures", b"after all options"]
    assert rows[1][0] == session_of(THURSDAY).close


def test_announced_dividends_are_told_each_session_from_the_day_on_that_they_are_known(host: ScriptedHost) -> None:
    ex_date = dt.date(2016, 1, 5)
    host.dated["TWO"] = [
        DatedEvent(ex_date, When.BEFORE, "dividend", known=THURSDAY, cash=0.5),
        DatedEvent(ex_date, When.BEFORE, "dividend", known=MONDAY, cash=0.6),  # raised
        DatedEvent(ex_date, When.BEFORE, "dividend extra", known=MONDAY, cash=1.0),
        DatedEvent(dt.date(2016, 1, 6), When.BEFORE, "dividend", known=dt.date(2015, 12, 29), cash=9.0),
        DatedEvent(TUESDAY, When.BEFORE, "dividend", known=TUESDAY, cash=0.0),  # past, by less than three weeks
        DatedEvent(dt.date(2015, 12, 1), When.BEFORE, "dividend", known=dt.date(2015, 11, 1), cash=7.0),
        DatedEvent(dt.date(2016, 1, 7), When.BEFORE, "dividend"),  # of which nobody says how much
    ]
    run = Run(host)
    canceled, due = (utc(TUESDAY, 14.5), 1, 0, 0.0), utc(ex_date, 14.5)
    for day, told in ((WEDNESDAY, []), (THURSDAY, [(due, 1, 0, 0.5)]), (MONDAY, [(due, 1, 0, 1.6)])):
        messages = run.begin(day)
        assert of_kind(messages, Kind.ANNOUNCED) == [[canceled, *told]]
        assert of_kind(messages, Kind.SCHEDULED) == []


def test_an_announced_amount_is_for_a_share_of_the_day_since_which_it_is_known(host: ScriptedHost) -> None:
    """Two for one on Thursday and four for one on Monday; the core is told after each, in the shares that are then."""
    host.divided = {"ONE": [(TUESDAY, 0.1), (THURSDAY, 0.5), (MONDAY, 0.25)]}
    later = (dt.date(2016, 1, day) for day in (5, 6, 7))
    days = (TUESDAY, WEDNESDAY, THURSDAY)
    host.dated = {
        "ONE": [
            DatedEvent(on, When.BEFORE, "dividend", known=day, cash=8.0) for on, day in zip(later, days, strict=True)
        ]
    }
    run = Run(host)
    for day, amounts in ((WEDNESDAY, [8, 8]), (THURSDAY, [4, 4, 8]), (MONDAY, [1, 1, 2])):
        messages = run.begin(day)
        assert [row[3] for row in of_kind(messages, Kind.ANNOUNCED)[0]] == amounts
        kinds = [message.kind for message in messages]
        assert Kind.SPLIT not in kinds or kinds.index(Kind.SPLIT) < kinds.index(Kind.ANNOUNCED)


def test_a_policy_is_told_once_before_the_first_session_and_never_another(host: ScriptedHost) -> None:
    settings = SETTINGS.model_copy(update={"hedge": "policy", "policy": "some.json"})
    policy, told = HedgingPolicy.zero(100.0), MarketRecord()
    for day, times in ((WEDNESDAY, 1), (THURSDAY, 0)):
        core = Listener()
        for ticker in settings.underlyings:
            core.instruments.add_equity(ticker)
        teller = Teller(settings, core if times == 0 else Listener(), host, told, policy)
        session = session_of(day)
        messages = list(teller.begin(session, Timetable(settings).begin(session)))
        kinds = [message.kind for message in messages]
        assert kinds.count(Kind.POLICY) == times
        assert times == 0 or kinds.index(Kind.POLICY) < kinds.index(Kind.SESSION)
    assert told.policy == policy_digest(policy)
    with pytest.raises(PolicyError, match=r"^the policy some.json has the digest .* use that one, or begin anew$"):
        Teller(settings, Listener(), host, told, HedgingPolicy.zero(200.0))
    with pytest.raises(PolicyError, match="no policy is given"):
        Teller(settings, Listener(), host)
