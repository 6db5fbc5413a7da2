"""A real day hedged by a learned policy: zeros as the rule, replayed from the journal alone, the same in LEAN."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.journal import Journal, message_digest, orders_of
from alo_lib.records import Kind
from alo_lib.runtime import replay
from alo_lib.runtime.policy_file import KEPT_POLICY, load_policy, save_policy
from alo_lib.strategy.hedging_features import FEATURES
from alo_lib.strategy.hedging_policy import HedgingPolicy, Layer
from alo_lib.strategy.policy_format import policy_digest
from tests.algorithm.test_engines import JOBS, equity_at_end, native, run
from tests.algorithm.test_hedging_rules import hedges


def random_policy() -> HedgingPolicy:
    rng = np.random.default_rng(5)
    layers = [Layer(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise((len(FEATURES), 8, 8, 2))]
    return HedgingPolicy(tuple(layers), 4000.0, shift_limit=0.05, log_ratio_limit=0.3)


def by_policy(policy: HedgingPolicy, folder: Path) -> dict[str, str]:
    path = folder / "some-policy.json"
    save_policy(policy, path)
    return JOBS["GOOG minute"] | {"hedge": "policy", "policy": str(path)}


@pytest.fixture(scope="module")
def learned(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Journal]:
    """A run whose policy's file is gone afterwards."""
    folder = tmp_path_factory.mktemp("learned")
    settings = by_policy(random_policy(), folder)
    _, journal = run(EmbeddedEngine(), settings, lean_data, folder / "run")
    Path(settings["policy"]).unlink()
    return folder / "run", journal


def test_zeros_hedge_as_the_rule_to_the_last_byte(lean_data: Path, tmp_path: Path) -> None:
    zeros = by_policy(HedgingPolicy.zero(600.0, hidden=(8,)), tmp_path)
    _, ours = run(EmbeddedEngine(), zeros, lean_data, tmp_path / "policy")
    rule = JOBS["GOOG minute"] | {"hedge": "minimum_variance", "risk_aversion": "600"}
    _, theirs = run(EmbeddedEngine(), rule, lean_data, tmp_path / "rule")
    assert hedges(ours)
    told = [[each for each in journal.messages if each.kind is not Kind.POLICY] for journal in (ours, theirs)]
    assert message_digest(told[0]) == message_digest(told[1])


def test_a_policy_hedges_otherwise_and_its_digest_is_journaled(learned: tuple[Path, Journal], lean_data: Path) -> None:
    folder, journal = learned
    _, rule = run(EmbeddedEngine(), JOBS["GOOG minute"] | {"hedge": "minimum_variance"}, lean_data, folder / "rule")
    assert hedges(journal)
    assert hedges(journal) != hedges(rule)
    (told,) = [message.records for message in journal.messages if message.kind is Kind.POLICY]
    assert set(told["digest"].tolist()) == {policy_digest(random_policy()).encode()}
    notices = [row["text"] for message in journal.messages if message.kind is Kind.NOTICE for row in message.records]
    assert not [text for text in notices if b"not trained" in text]


def test_a_run_is_decided_again_without_the_file(learned: tuple[Path, Journal]) -> None:
    folder, journal = learned
    result = replay(journal)
    assert result.divergence is None
    assert result.digest == message_digest(journal.messages)
    assert policy_digest(load_policy(folder / KEPT_POLICY)) == policy_digest(random_policy())


@pytest.mark.lean
@pytest.mark.slow
def test_lean_hedges_by_a_policy_as_the_embedded_engine(lean_data: Path, tmp_path: Path) -> None:
    engine, settings = native(), by_policy(random_policy(), tmp_path)
    _, ours = run(EmbeddedEngine(), settings, lean_data, tmp_path / "embedded")
    _, theirs = run(engine, settings, lean_data, tmp_path / "native")
    assert orders_of(theirs.messages) == orders_of(ours.messages)
    assert hedges(ours)
    assert message_digest(theirs.messages) == message_digest(ours.messages)
    assert equity_at_end(tmp_path / "native") == equity_at_end(tmp_path / "embedded")
    assert policy_digest(load_policy(tmp_path / "native" / KEPT_POLICY)) == policy_digest(random_policy())
