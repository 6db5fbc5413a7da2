"""A core that hedges by a learned policy: what it takes in, what it decides by it, what it says where it cannot."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from alo_lib.core import CoreState, TradingCore, pack, unpack
from alo_lib.journal import read_journal
from alo_lib.records import Kind, Message, Records
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer
from alo_lib.strategy.policy_records import policy_of_records, policy_records
from tests.core.killing import quick_calibrator
from tests.core.script import FIRST, Script, at, of_test

SETTINGS = of_test(calibration_frames=1, entry_delay=0)
LEARNED = SETTINGS.model_copy(update={"hedge": "policy", "policy": "some.json"})
RULE = SETTINGS.model_copy(update={"hedge": "minimum_variance", "risk_aversion": 600.0})
SPOTS = (100.0, 102.0, 104.0, 101.0, 97.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are remembered: the same request gives the same bits."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)


def random_policy(ranges: Sequence[tuple[float, float]] | None = None) -> HedgingPolicy:
    rng = np.random.default_rng(3)
    layers = [Layer(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise((len(FEATURES), 8, 2))]
    declared = tuple((each.low, each.high) for each in FEATURES)
    return HedgingPolicy(tuple(layers), 600.0, log_ratio_limit=0.5, ranges=tuple(ranges or declared))


def begun(settings: Settings, policy: HedgingPolicy | None) -> Script:
    market = Script(settings, strikes=(95.0, 100.0, 105.0))
    if policy is not None:
        market.tell(at(FIRST, 9), Kind.POLICY, policy_records(policy))
    market.session()
    return market


def day(settings: Settings, policy: HedgingPolicy | None) -> tuple[Script, list[bytes]]:
    """A day of dear options while the spot moves: all that is sent."""
    market = begun(settings, policy)
    sent = [
        intents.tobytes()
        for number, spot in enumerate(SPOTS)
        for intents in market.bar(10.0 + 0.1 * number, spot, volatility=0.35)
    ]
    return market, sent


def told(market: Script, kind: Kind) -> list[Records]:
    messages = read_journal(market.store.images(), unfinished=True).messages
    return [message.records for message in messages if message.kind is kind]


def test_zeros_send_what_the_rule_sends() -> None:
    _, rule = day(RULE, None)
    market, zeros = day(LEARNED, HedgingPolicy.zero(600.0, hidden=(4,)))
    assert sum(map(bool, rule)) > 2  # entries, and hedges after them
    assert zeros == rule
    assert not [row for rows in told(market, Kind.NOTICE) for row in rows if b"not trained" in row["text"]]


def test_a_policy_sends_otherwise_and_is_decided_again() -> None:
    market, sent = day(LEARNED, random_policy())
    assert sent != day(RULE, None)[1]
    assert replay(read_journal(market.store.images(), unfinished=True)).divergence is None


def test_outside_of_its_ranges_it_sends_what_the_rule_sends_and_says_so_once_a_session() -> None:
    ranges = [(each.low, each.high) for each in FEATURES]
    ranges[[each.name for each in FEATURES].index("log_time")] = (-0.5, 0.5)
    market, sent = day(LEARNED, random_policy(ranges))
    assert sent == day(RULE, None)[1]
    notices = [row["text"] for rows in told(market, Kind.NOTICE) for row in rows if b"not trained" in row["text"]]
    assert notices == [b"TEST: hedged by minimum_variance, for the policy was not trained on its log_time"]


def test_a_core_goes_on_from_a_snapshot_by_the_policy_it_was_told() -> None:
    whole, sent = day(LEARNED, random_policy())
    market = begun(LEARNED, random_policy())
    first = [intents.tobytes() for intents in market.bar(10.0, SPOTS[0], volatility=0.35)]
    state = unpack(CoreState, pack(market.core.snapshot()), settings=LEARNED)
    market.core = TradingCore(LEARNED, market.writer)
    market.core.resume(state, ())
    rest = [
        intents.tobytes()
        for number, spot in enumerate(SPOTS[1:], 1)
        for intents in market.bar(10.0 + 0.1 * number, spot, volatility=0.35)
    ]
    assert first + rest == sent
    assert market.core.holdings == whole.core.holdings


@pytest.mark.parametrize("case", ["again", "part", "order", "text", "digest"])
def test_what_is_no_first_policy_is_not_let_in(case: str) -> None:
    rows = policy_records(random_policy())
    assert len(rows) > 2
    market = begun(LEARNED, random_policy() if case == "again" else None)
    if case == "part":
        rows = rows[1:]
    elif case == "order":
        rows = rows[::-1].copy()
    elif case == "text":
        rows["text"][1] = rows["text"][1].replace(b"1", b"2", 1)
    elif case == "digest":
        rows["digest"] = b"0" * 64
    heard: list[str] = []
    market.core.refusals.hear = heard.append
    market.core.accept(Message(Kind.POLICY, at(FIRST, 9.1), rows))
    market.core.refusals.begin_frame(at(FIRST, 9.2))
    assert len(told(market, Kind.POLICY)) == (case == "again")
    (sentence,) = heard
    expected = {
        "again": "a policy has been told before",
        "part": "parts in order",
        "order": "parts in order",
        "text": "as a policy it",
        "digest": "its records tell another",
    }
    assert expected[case] in sentence


def test_records_are_the_policy() -> None:
    policy = random_policy()
    again = policy_records(policy_of_records(policy_records(policy)))
    assert again.tobytes() == policy_records(policy).tobytes()


def test_without_the_policy_that_settings_ask_for_nothing_is_hedged_by_another_rule() -> None:
    with pytest.raises(ValueError, match="no policy was told"):
        day(LEARNED, None)
