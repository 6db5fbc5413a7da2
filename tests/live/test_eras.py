"""Live LEAN, hedged, is killed and started under other settings, with changed hedging code, by a learned policy."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.journal import Journal, eras_of, orders_of
from alo_lib.records import HostEvent, Kind, OrderReason
from alo_lib.runtime import Replayer, replay
from alo_lib.settings import Settings
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.policy_format import policy_digest, policy_text
from tests.brief import BRIEF
from tests.live.live_run import LiveLean, moved_clock
from tests.live.test_restart import SETTINGS as GOOG
from tests.live.test_restart import START, all_is_told, at_broker, filled, held

pytestmark = [pytest.mark.lean, pytest.mark.slow]

SETTINGS = GOOG | BRIEF
"""By these what is traded lies off the money and is hedged soon: only then does another program decide otherwise."""
WAS = "return shares if hedged is None else int("
NOW = "return shares if hedged is None else one_more(shares, "
MORE = """

def one_more(shares: int, wanted: float) -> int:
    return int(wanted) + (int(wanted) != shares)
"""


@pytest.fixture
def lean(lean_data: Path, tmp_path: Path) -> Iterator[LiveLean]:
    account = LiveLean(tmp_path, lean_data, Settings.of(SETTINGS), moved_clock(tmp_path, START))
    yield account
    account.kill()


def changed_tree(folder: Path) -> Path:
    """The program with one share more in every hedge that it makes."""
    for room in ("algorithm", "models", "alo_lib"):
        shutil.copytree(ROOT / room, folder / room)
    source = folder / "alo_lib" / "strategy" / "targets.py"
    text = source.read_text()
    assert text.count(WAS) == 1
    source.write_text(text.replace(WAS, NOW) + MORE)
    return folder


def frames_of_last_era(journal: Journal | None, era: int) -> int:
    """Frames with options' quotes in the era, once the journal is in it."""
    if journal is None or len(found := eras_of(journal)) < era:
        return 0
    messages = journal.messages[found[-1].first :]
    return sum(message.kind is Kind.EXPOSURE for message in messages)


def hedged_in_last_era(journal: Journal | None, era: int) -> bool:
    """Whether the era has ordered a hedge, once the journal is in it."""
    if journal is None or len(found := eras_of(journal)) < era:
        return False
    intents = (message.records for message in journal.messages[found[-1].first :] if message.kind is Kind.INTENT)
    return any(OrderReason.HEDGE in rows["reason"] for rows in intents)


def eras_told(journal: Journal) -> list[str]:
    rows = [row for message in journal.messages if message.kind is Kind.EVENT for row in message.records]
    return [row["text"].decode() for row in rows if row["event"] == HostEvent.ERA]


def kept_whole(lean: LiveLean) -> Journal:
    """The journal, which says what the broker has, and in which no order is sent twice."""
    journal = lean.journal
    assert journal is not None
    assert held(journal) == at_broker(lean)
    numbers = [order.number for order in orders_of(journal.messages) if order.number]
    assert numbers == sorted(set(numbers))
    return journal


def entries(journal: Journal) -> list[int]:
    """Numbers of the trades that were opened."""
    rows = [row for message in journal.messages if message.kind is Kind.ENTRY for row in message.records]
    return [int(row["trade"]) for row in rows]


def test_live_lean_goes_on_under_another_band_and_then_with_other_hedging_code(lean: LiveLean, tmp_path: Path) -> None:
    lean.start()
    lean.wait_for("a hedged trade", lambda: filled(lean.journal, OrderReason.HEDGE) > 0)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    first = kept_whole(lean)

    lean.change(Settings.of(SETTINGS, {"hedge_band": 0.03}))
    lean.start()
    lean.wait_for("two frames of the second era", lambda: frames_of_last_era(lean.journal, 2) >= 2)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    second = kept_whole(lean)
    (sentence,) = eras_told(second)
    assert sentence.endswith(": hedge-band was 0.02 and is 0.03")
    assert any("alo recovery: era 2 of the journal begins with" in line for line in lean.log)

    # A narrow band hedges soon, and only then do the programs decide otherwise.
    lean.change(Settings.of(SETTINGS, {"hedge_band": 0.005}), tree=changed_tree(tmp_path / "tree"))
    lean.start()
    lean.wait_for("a hedge of the third era", lambda: hedged_in_last_era(lean.journal, 3))
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    third = kept_whole(lean)
    assert [era.number for era in eras_of(third)] == [1, 2, 3]
    assert len({era.program for era in eras_of(third)}) == 2
    assert entries(third) == sorted(set(entries(third)))  # a trade that is adopted is not opened again
    managed = third.messages[eras_of(third)[2].first :]
    told = {int(row["trade"]) for m in managed if m.kind is Kind.ATTRIBUTION for row in m.records}
    assert set(entries(first)) <= told  # its profit goes on being told

    replayer = Replayer(third)
    frames = sum(1 for _ in replayer.frames())
    assert replayer.continuation.at_end
    assert frames > 4
    (said,) = replayer.unlike
    assert said.startswith("era 3 was decided by program ")


def test_live_lean_goes_on_by_a_policy_of_its_object_store_by_another_and_without_one(lean: LiveLean) -> None:
    policies = [HedgingPolicy.zero(aversion) for aversion in (4000.0, 600.0)]
    for number, policy in enumerate(policies):
        (lean.folder / "store" / f"policy-{number}.json").write_bytes(policy_text(policy))
    lean.start()
    lean.wait_for("a hedged trade", lambda: filled(lean.journal, OrderReason.HEDGE) > 0)
    lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
    lean.kill()
    opened = entries(kept_whole(lean))
    by_policy = [{"hedge": "policy", "policy": f"policy-{number}.json"} for number in range(len(policies))]
    for era, hedge in enumerate([*by_policy, {"hedge": "delta_band"}], 2):
        lean.change(Settings.of(SETTINGS, hedge))
        lean.start()
        lean.wait_for(f"two frames of era {era}", lambda era=era: frames_of_last_era(lean.journal, era) >= 2)  # type: ignore[misc]
        lean.wait_for("its fills on the disk", lambda: all_is_told(lean, lean.journal))
        lean.kill()
        journal = kept_whole(lean)
        assert any(f"alo recovery: era {era} of the journal begins with" in line for line in lean.log)
    assert [each.number for each in eras_of(journal)] == [1, 2, 3, 4]
    told = [message.records["digest"][0].decode() for message in journal.messages if message.kind is Kind.POLICY]
    assert told == [policy_digest(policy) for policy in policies]
    assert entries(journal)[: len(opened)] == opened
    assert entries(journal) == sorted(set(entries(journal)))
    result = replay(journal)
    assert (result.divergence, result.unlike) == (None, ())
