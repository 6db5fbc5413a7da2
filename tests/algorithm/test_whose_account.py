"""A journal of another account is not gone on from, and whoever writes it is left alone."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.journal import JournalError, read_journal, segments_in_object_store
from alo_lib.records import HostEvent, Kind, Message, remark
from alo_lib.runtime import Opened, open_core
from alo_lib.runtime.market_record import market_record_of
from alo_lib.runtime.turning import told_again
from alo_lib.settings import Settings, SettingsError
from tests.algorithm.lean_world import Algorithm, World
from tests.algorithm.test_lean_machine import hosted  # noqa: F401 - a fixture
from tests.core.chains import TICKERS
from tests.core.script import FIRST, at
from tests.journal.on_disk import OnDisk

SETTINGS = Settings.of({"underlyings": "TEST"})


def opened(store: OnDisk, account: str) -> Opened:
    return open_core(SETTINGS, store, live=True, hear=lambda sentence: None, account=account)


@pytest.fixture
def store(tmp_path: Path) -> OnDisk:
    """With the journal of an account."""
    store = OnDisk(tmp_path)
    core = opened(store, "PaperBrokerage").hosted
    core.core.remark(remark(HostEvent.ACCOUNT, at(FIRST, 9), "PaperBrokerage"))
    core.settle()
    return store


def test_another_account_is_refused_before_anything_is_written(store: OnDisk) -> None:
    before = {key: store.read(key) for key in store.all_keys()}
    with pytest.raises(JournalError) as raised:
        opened(store, "InteractiveBrokersBrokerage U1")
    assert str(raised.value) == (
        "the journal is of the account 'PaperBrokerage', and what is traded is 'InteractiveBrokersBrokerage U1': trade "
        "that by an object store (or a core) of its own; where it is the same account under another name, set "
        "account=PaperBrokerage"
    )
    assert {key: store.read(key) for key in store.all_keys()} == before


@pytest.mark.parametrize("account", ["PaperBrokerage", ""])
def test_the_same_account_goes_on_and_one_that_nobody_names(store: OnDisk, account: str) -> None:
    assert opened(store, account).told.account == "PaperBrokerage"


def test_another_volume_knows_it(store: OnDisk) -> None:
    journal = read_journal(segments_in_object_store(store.folder), unfinished=True)
    assert market_record_of(told_again(journal, [], at(FIRST, 10))).account == "PaperBrokerage"


def test_lean_names_it_once(hosted: Any) -> None:  # noqa: F811 - a fixture
    world = Algorithm.world = World({**SETTINGS.model_dump(), "underlyings": ",".join(TICKERS)}, lambda: None)
    world.now = at(FIRST, 8)
    world.configuration = {
        "live-mode-brokerage": "QuantConnect.Brokerages.InteractiveBrokers.InteractiveBrokersBrokerage",
        "ib-account": "U1",
    }

    def told() -> list[str]:
        algorithm = import_module("algorithm.volatility_arbitrage").VolatilityArbitrageAlgorithm()
        algorithm.initialize()
        algorithm.on_warmup_finished()
        algorithm._hosted.settle()
        messages = read_journal(
            [algorithm._hosted._place.so_far().segments[0].words.tobytes()], unfinished=True
        ).messages
        return [text for message in messages for text in names(message)]

    assert told() == ["InteractiveBrokersBrokerage U1"]
    assert told() == ["InteractiveBrokersBrokerage U1"]  # of both processes
    world.configuration["ib-account"] = "U2"
    with pytest.raises(JournalError, match="is of the account 'InteractiveBrokersBrokerage U1', and what is traded is"):
        told()
    world.settings["account"] = "InteractiveBrokersBrokerage U1"
    assert len(told()) == 1


def names(message: Message) -> list[str]:
    if message.kind is not Kind.EVENT:
        return []
    rows = message.records[message.records["event"] == HostEvent.ACCOUNT]
    return [row["text"].decode() for row in rows]


@pytest.mark.parametrize(
    ("of_algorithm", "named", "expected"),
    [
        ({}, "", "PaperBrokerage"),
        ({}, "mine", "mine"),
        ({"deployment_target": 0, "project_id": 12}, "", "project 12"),
        ({"deployment_target": 0, "project_id": 12}, "mine", "mine"),
        ({"live_mode": False}, "mine", ""),
    ],
)
def test_what_names_an_account(hosted: Any, of_algorithm: dict[str, Any], named: str, expected: str) -> None:  # noqa: F811
    world = Algorithm.world = World({}, lambda: None)
    world.configuration = {"live-mode-brokerage": "PaperBrokerage"}
    algorithm = SimpleNamespace(**({"live_mode": True, "deployment_target": 1, "project_id": 3} | of_algorithm))
    assert import_module("models.account_name").account_name(algorithm, named) == expected


@pytest.mark.parametrize("value", ["a\nb", "-mine", "x" * 65, "a;b"])
def test_a_name_is_short_and_plain(value: str) -> None:
    with pytest.raises(SettingsError, match=r"account"):
        Settings.of({"underlyings": "TEST", "account": value})
