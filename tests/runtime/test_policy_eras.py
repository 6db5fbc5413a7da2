"""A live journal that goes on under a learned policy, under another one, and without one again."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import pack, program
from alo_lib.journal import Journal, LiveObjectStoreJournal, eras_of, orders_of, volume_of
from alo_lib.records import Kind, Message, OrderReason
from alo_lib.runtime import Beginning, MarketRecord, Teller, begin, open_core, replay
from alo_lib.runtime.policy_file import PolicyOfEra, save_policy
from alo_lib.runtime.same_settings import settings_of
from alo_lib.runtime.turning import Turning
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer, PolicyError
from alo_lib.strategy.policy_format import policy_digest, policy_text
from tests.core.killing import quick_calibrator
from tests.core.script import FIRST, Script, at
from tests.journal.on_disk import OnDisk
from tests.runtime.test_eras import BASE, Live, held, held_by_orders

NEXT = FIRST + dt.timedelta(days=1)
RULE = BASE | {"hedge": "minimum_variance", "risk_aversion": 600.0}
ZEROS = HedgingPolicy.zero(600.0, hidden=(4,))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are remembered: the same request gives the same bits."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)


@pytest.fixture
def store(tmp_path: Path) -> OnDisk:
    (tmp_path / "store").mkdir()
    return OnDisk(tmp_path / "store")


def learned() -> HedgingPolicy:
    rng = np.random.default_rng(3)
    layers = [Layer(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise((len(FEATURES), 8, 2))]
    return HedgingPolicy(tuple(layers), 600.0, log_ratio_limit=0.5)


def by(policy: HedgingPolicy, path: Path) -> dict[str, object]:
    save_policy(policy, path)
    return BASE | {"hedge": "policy", "policy": str(path)}


def begun(folder: Path) -> Live:
    """A live journal in an object store of its own with a trade that is hedged by a band."""
    folder.mkdir()
    live = Live(OnDisk(folder), BASE)
    live.market.session()
    live.market.bar(10, volatility=0.35)
    live.keep()
    assert held(live.market.core)
    return live


def go_on(live: Live, settings: dict[str, object], hour: float, spots: tuple[float, ...]) -> Beginning:
    """Begin another life, and let some bars follow."""
    beginning = live.start(settings)
    for number, spot in enumerate(spots):
        live.market.bar(hour + 0.1 * number, spot, volatility=0.33)
    live.keep()
    return beginning


def of_kind(journal: Journal, kind: Kind) -> list[tuple[int, Message]]:
    return [(place, message) for place, message in enumerate(journal.messages) if message.kind is kind]


def digests(journal: Journal) -> list[str]:
    """Of the policies that a journal tells, in order."""
    return [message.records["digest"][0].decode() for _, message in of_kind(journal, Kind.POLICY)]


def hedges(journal: Journal) -> list[tuple[str, int]]:
    return [(each.symbol, each.quantity) for each in orders_of(journal.messages) if each.tag == OrderReason.HEDGE.tag]


SPOTS = (102.0, 104.0, 101.0, 97.0)


def test_each_era_hedges_by_its_own_policy_and_is_decided_again_by_it(tmp_path: Path) -> None:
    first, second = (by(policy, tmp_path / f"{n}.json") for n, policy in enumerate((learned(), ZEROS)))
    live = begun(tmp_path / "store")
    book = held(live.market.core)
    one = live.start(first).findings[-1]
    assert "hedge was 'delta_band' and is 'policy'" in one
    assert one.endswith(f"; the learned policy is {policy_digest(learned())[:16]}...")
    assert held(live.market.core) == book == held_by_orders(live.keep())
    go_on(live, first, 11, SPOTS)  # the same settings and policy: no other era
    two = go_on(live, second, 12, SPOTS).findings[-1]
    assert f"the learned policy was {policy_digest(learned())[:16]}... and is {policy_digest(ZEROS)[:16]}..." in two
    back = go_on(live, BASE, 13, SPOTS)
    assert back.findings[-1].startswith("era 4 of the journal begins with 2 trades")
    live.market.session(NEXT, [101.0])
    go_on(live, first, 10, SPOTS)
    journal = live.keep()
    assert digests(journal) == [policy_digest(each) for each in (learned(), ZEROS, learned())]
    eras = eras_of(journal)
    assert [settings_of(era.settings).hedge for era in eras] == [
        *("delta_band", "policy", "policy", "delta_band", "policy")
    ]
    for place, _ in of_kind(journal, Kind.POLICY):  # each is told before its era decides anything
        kinds = [message.kind for message in journal.messages[max(e.first for e in eras if e.first < place) : place]]
        assert kinds == [Kind.ADOPTION, Kind.EVENT]
    numbers = [order.number for order in orders_of(journal.messages)]
    assert numbers == sorted(set(numbers))
    assert held(live.market.core) == held_by_orders(journal)
    told = replay(journal)
    assert (told.divergence, told.unlike, told.messages) == (None, (), len(journal.messages))


def test_a_policy_of_zeros_hedges_from_the_switch_on_as_its_rule_does(tmp_path: Path) -> None:
    sent = []
    for name, settings in (
        ("rule", RULE),
        ("zeros", by(ZEROS, tmp_path / "zeros.json")),
        ("learned", by(learned(), tmp_path / "learned.json")),
        ("band", BASE),
    ):
        live = begun(tmp_path / name)
        go_on(live, settings, 11, SPOTS)
        sent.append(hedges(live.keep()))
    rule, zeros, other, band = sent
    assert zeros == rule
    assert other != rule
    assert band != rule


def test_a_switch_that_was_killed_before_the_policy_was_told_is_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, live = by(learned(), tmp_path / "learned.json"), begun(tmp_path / "store")
    with monkeypatch.context() as cut:
        cut.setattr("alo_lib.runtime.resumption.policy_of_era", lambda *given, **more: PolicyOfEra(None))
        live.start(settings)
        assert digests(live.keep()) == []
    go_on(live, settings, 11, SPOTS)
    journal = live.keep()
    assert len(eras_of(journal)) == 2
    assert digests(journal) == [policy_digest(learned())]
    assert replay(journal).divergence is None
    go_on(live, settings, 12, SPOTS)
    assert digests(live.keep()) == [policy_digest(learned())]


@pytest.mark.parametrize("content", [None, b"no policy"])
def test_a_policy_that_cannot_be_had_is_refused_and_nothing_is_written(tmp_path: Path, content: bytes | None) -> None:
    live, path = begun(tmp_path / "store"), tmp_path / "some.json"
    if content is not None:
        path.write_bytes(content)
    count = len(live.keep().messages)
    with pytest.raises(PolicyError, match=r"^the policy .*some\.json cannot be (read|hedged by): "):
        live.start(BASE | {"hedge": "policy", "policy": str(path)})
    live.start(BASE)
    assert len(live.keep().messages) == count


def test_where_the_file_is_gone_the_policy_that_was_told_goes_on_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "learned.json"
    settings, live = by(learned(), path), begun(tmp_path / "store")
    go_on(live, settings, 11, SPOTS)
    path.unlink()
    beginning = go_on(live, settings, 12, SPOTS)
    digest = policy_digest(learned())
    assert f"the policy {path} is not here; the one that the journal was told goes on, {digest[:16]}..." in (
        beginning.findings
    )
    assert len(eras_of(live.keep())) == 2
    beginning = go_on(live, settings | {"max_vega": 0.002}, 13, SPOTS)
    journal = live.keep()
    assert len(eras_of(journal)) == 3
    assert digests(journal) == [digest, digest]  # an era is told its own
    assert replay(journal).divergence is None


def test_who_takes_over_goes_on_by_the_policy_that_was_told_whatever_the_file_is_by_now(tmp_path: Path) -> None:
    path = tmp_path / "learned.json"
    settings, live = by(learned(), path), begun(tmp_path / "store")
    go_on(live, settings, 11, SPOTS)
    live.market.writer.abandon()
    followed = begin(live.market.settings, LiveObjectStoreJournal(live.store, program()), adopts=True)
    warm = followed.replayer()
    assert list(warm.frames())
    followed.place.release()
    path.write_bytes(b"no policy")
    with pytest.raises(PolicyError):
        live.start(settings)
    place = LiveObjectStoreJournal(live.store, program())
    beginning = begin(live.market.settings, place, adopts=True, warm=warm)
    live.market.core, live.market.writer, live.place = beginning.decided_again(), beginning.writer, place
    live.market.bar(12, SPOTS[-1], volatility=0.33)
    journal = live.keep()
    assert digests(journal) == [policy_digest(learned())]
    assert len(eras_of(journal)) == 2
    assert replay(journal).divergence is None


def test_what_a_start_told_no_teller_tells_again(store: OnDisk) -> None:
    """LEAN live: the policy is a key of its object store."""

    def hear(sentence: str) -> None:
        pass

    live = Live(store, BASE)
    live.market.session()
    live.market.bar(10, volatility=0.35)
    live.keep()
    live.market.writer.abandon()
    store.save("mine.json", policy_text(learned()))
    settings = Settings.of(BASE | {"hedge": "policy", "policy": "mine.json"})
    hosted, told, findings = open_core(settings, store, live=True, hear=hear)
    assert told.policy == policy_digest(learned())
    assert any(each.startswith("era 2 of the journal begins with") for each in findings)
    Teller(settings, hosted.core, None, told, learned())  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="use that one"):
        Teller(settings, hosted.core, None, told, ZEROS)  # type: ignore[arg-type]
    hosted.end(at(FIRST, 11))


def test_a_host_of_an_era_without_a_policy_needs_none() -> None:
    told = MarketRecord(policy=policy_digest(learned()))
    told.underlyings["TEST"] = 0
    Teller(Settings.of(BASE), Script().core, None, told)  # type: ignore[arg-type]


def test_another_volume_hedges_on_by_the_policy_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_volume._FEWEST", 0)
    first, second = (by(policy, tmp_path / f"{n}.json") for n, policy in enumerate((learned(), ZEROS)))
    whole, turned = begun(tmp_path / "whole"), begun(tmp_path / "turned")
    for live in (whole, turned):
        go_on(live, first, 11, SPOTS)
    turned.store.limits, said = (1, 0), list[str]()
    market = turned.market
    market.writer = Turning(market.core, turned.place, lambda writer: writer, said.append).look(market.writer)
    turned.store.limits = 0, 0
    for live in (whole, turned):
        for number, spot in enumerate(SPOTS):
            live.market.bar(12 + 0.1 * number, spot, volatility=0.33)
        live.keep()
        assert go_on(live, first, 13, SPOTS).findings[-1].endswith("the others are decided again")
    assert pack(turned.market.core.snapshot()) == pack(whole.market.core.snapshot())
    journal = turned.keep()
    assert volume_of(journal.messages).number == 2
    assert digests(journal) == [policy_digest(learned())]
    assert len(eras_of(journal)) == 1
    assert hedges(journal) == hedges(whole.keep())
    assert replay(journal).divergence is None
    assert len(said) == 1
    switch = go_on(turned, second, 14, SPOTS).findings[-1]
    assert f"the learned policy was {policy_digest(learned())[:16]}... and is {policy_digest(ZEROS)[:16]}..." in switch
    assert replay(turned.keep()).divergence is None
