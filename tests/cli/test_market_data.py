import datetime as dt
import errno
import fcntl
import json
import shutil
import signal
import threading

import pytest

from alo_lib.cli.failures import UserError
from alo_lib.cli.interruption import Interrupted
from alo_lib.cli.market_data import holds_data, ready_market, write_market
from alo_lib.market.generator import FILED, HalfMade, Made, MarketTruth, NameTruth, read_truth
from alo_lib.market.generator.dynamics import Constant, Garch, Heston, Jumps
from alo_lib.market.generator.truth import DEFAULT_NAMES, Edge, Event, Halt, Listing, Split
from alo_lib.market.layout import Resolution
from tests.runtime.processes import PATIENCE

ALL_BARS = ",".join(each.value for each in FILED)


@pytest.fixture
def written():
    """Which bars each call of the generator was to write."""
    return []


@pytest.fixture
def generator(monkeypatch, small_market, written):
    """Counts its calls and copies the small market."""
    calls = []

    def generate(folder, truth, *, progress, resolutions, workers):
        calls.append(truth)
        written.append(tuple(resolutions))
        shutil.copytree(small_market, folder)
        return Made(quotes=1000, arbitrage=0)

    monkeypatch.setattr("alo_lib.market.generator.generate_market", generate)
    return calls


def _names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_empty_project_gets_a_market_once(generator, small_market, tmp_path, capsys):
    data = tmp_path / "data"
    assert ready_market(None, data) == data
    assert "writing a synthetic market" in capsys.readouterr().err
    assert _names(data) == _names(small_market)
    assert ready_market(None, data) == data
    assert capsys.readouterr().err == ""
    assert generator == [MarketTruth()]


def test_hidden_files_do_not_count_as_data(generator, tmp_path):
    (tmp_path / ".gitkeep").touch()
    assert not holds_data(tmp_path)
    write_market(tmp_path, MarketTruth(seed=3))
    assert holds_data(tmp_path)
    assert generator == [MarketTruth(seed=3)]


def test_data_of_the_users_own_is_left_alone(generator, tmp_path):
    (tmp_path / "equity").mkdir()
    assert ready_market(None, tmp_path) == tmp_path
    assert _names(tmp_path) == ["equity"]
    assert generator == []


def test_a_market_cut_short_is_made_again(monkeypatch, generator, small_market, tmp_path):
    def interrupted(folder, truth, *, progress, resolutions, workers):
        (folder / "equity").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("alo_lib.market.generator.generate_market", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_market(tmp_path, MarketTruth())
    assert not holds_data(tmp_path)
    ready_market(None, tmp_path)
    assert _names(tmp_path) == _names(small_market)


def test_a_move_cut_short_is_finished_without_making_it_again(generator, small_market, tmp_path):
    made = tmp_path / ".unfinished" / "market"
    shutil.copytree(small_market, made)
    (tmp_path / ".unfinished" / "complete").touch()
    (made / "equity").rename(tmp_path / "equity")
    assert not holds_data(tmp_path)
    ready_market(None, tmp_path)
    assert _names(tmp_path) == _names(small_market)
    assert generator == []


def test_a_market_that_an_earlier_command_made_is_not_taken_for_another(run, generator, small_market, tmp_path):
    folder = tmp_path / "new"
    shutil.copytree(small_market, folder / ".unfinished" / "market")
    (folder / ".unfinished" / "complete").touch()
    outcome = run("generate", "--output", folder, "--seed", "5")
    assert outcome.status == 2
    assert f"{folder} holds another market, which an earlier command had made" in outcome.err
    assert _names(folder) == _names(small_market)
    assert generator == []


@pytest.mark.parametrize(("bars", "option", "same"), [
    (ALL_BARS, [], True), ("hour", ["--resolution", "hour"], True), ("hour", [], False), ("", [], False),
    (ALL_BARS, ["--resolution", "minute"], False),
])  # fmt: skip
def test_a_market_of_other_bars_is_another(run, generator, small_market, tmp_path, bars, option, same):
    folder = tmp_path / "new"
    shutil.copytree(small_market, folder / ".unfinished" / "market")
    (folder / ".unfinished" / "complete").write_text(bars)
    truth = read_truth(small_market)
    assert truth is not None
    (tmp_path / "truth.json").write_text(truth.model_dump_json())
    outcome = run("generate", "--output", folder, "--truth", tmp_path / "truth.json", *option)
    assert (outcome.status, "holds another market" in outcome.err) == ((0, False) if same else (2, True))
    assert _names(folder) == _names(small_market)
    assert generator == []


@pytest.fixture
def cut_short(monkeypatch):
    """The generator ends with an error when so many names are whole."""

    def patch(error, whole):
        def generate(folder, truth, *, progress, resolutions, workers):
            half = HalfMade(folder, truth, resolutions)
            half.begin()
            for ticker in truth.tickers[:whole]:
                half.keep(ticker, Made(quotes=1000, arbitrage=0))
            raise error

        monkeypatch.setattr("alo_lib.market.generator.generate_market", generate)

    return patch


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        (0, "no name was whole yet, so the same command begins anew"),
        (1, "of 2 names 1 is whole and kept in {}, and the same command goes on with the others"),
        (2, "of 2 names 2 are whole and kept in {}, and the same command goes on with the others"),
    ],
)
def test_what_is_cut_short_says_what_is_kept(run, cut_short, tmp_path, whole, kept):
    folder = tmp_path / "new"
    cut_short(Interrupted(signal.SIGTERM), whole)
    outcome = run("generate", "--output", folder)
    assert (outcome.status, outcome.err.splitlines()[-1]) == (143, f"alo: interrupted; {kept.format(folder)}")
    cut_short(OSError(errno.ENOSPC, "No space left on device", "a file"), whole)
    outcome = run("generate", "--output", folder)
    told = f"alo: the disk of {folder} is full; make room: {kept.format(folder)}"
    assert (outcome.status, outcome.err.splitlines()[-1]) == (2, told)
    assert [each.name for each in folder.iterdir()] == [".unfinished"]


def test_a_move_that_a_signal_cuts_short_says_so(run, generator, small_market, tmp_path, monkeypatch):
    def interrupted(path, target):
        raise Interrupted(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("alo_lib.cli.market_data.Path.replace", interrupted)
        (made := tmp_path / ".unfinished").mkdir()
        shutil.copytree(small_market, made / "market")
        (made / "complete").write_text(ALL_BARS)
        outcome = run("generate", "--output", tmp_path)
    assert (outcome.status, outcome.err) == (
        130,
        f"alo: interrupted; the market is made, and the same command puts it in place in {tmp_path}\n",
    )
    assert not holds_data(tmp_path)


def test_a_removal_that_is_cut_short_leaves_a_market_that_is_whole(generator, small_market, tmp_path, monkeypatch):
    def cut_off(path, **options):
        if not options:
            (path / "complete").unlink()
            raise Interrupted(signal.SIGKILL)

    truth = read_truth(small_market)
    assert truth is not None
    (made := tmp_path / ".unfinished").mkdir()
    shutil.copytree(small_market, made / "market")
    (made / "complete").write_text(ALL_BARS)
    with monkeypatch.context() as patch:
        patch.setattr("alo_lib.cli.market_data.shutil.rmtree", cut_off)
        with pytest.raises(Interrupted):
            write_market(tmp_path, truth)
    assert holds_data(tmp_path)
    with pytest.raises(UserError, match=r"holds data|is not empty|already"):
        write_market(tmp_path, truth)
    assert generator == []


def test_what_is_in_the_way_is_named(run, generator, cut_short, tmp_path):
    (tmp_path / ".unfinished").touch()
    outcome = run("generate", "--output", tmp_path)
    told = f"alo: {tmp_path / '.unfinished'} is no folder, and markets are made in one of that name; remove it\n"
    assert (outcome.status, outcome.err) == (2, told)
    (tmp_path / ".writing").mkdir()
    outcome = run("generate", "--output", tmp_path)
    assert (outcome.status, outcome.err) == (2, f"alo: {tmp_path / '.writing'} is a folder and in the way; remove it\n")
    outcome = run("generate", "--output", tmp_path / ".unfinished")
    assert outcome.err == f"alo: {tmp_path / '.unfinished'} is no folder and in the way; remove it\n"
    assert generator == []
    (tmp_path / ".unfinished").unlink()
    (tmp_path / ".writing").rmdir()
    cut_short(Interrupted(signal.SIGTERM), 0)
    run("generate", "--output", tmp_path)
    parts = tmp_path / ".unfinished" / "market" / ".half-made"
    (parts / "ALFA.json").mkdir()
    outcome = run("generate", "--output", tmp_path)
    told = f"alo: {parts / 'ALFA.json'} cannot be read: Is a directory; remove {parts} to have the market made anew"
    assert (outcome.status, outcome.err.splitlines()[-1]) == (2, told)


def test_two_commands_do_not_write_into_one_folder(run, generator, tmp_path, monkeypatch):
    told, asked = [], threading.Event()

    def say(sentence):
        told.append(sentence)
        asked.set()

    monkeypatch.setattr("alo_lib.cli.market_data.say", say)
    with (tmp_path / ".writing").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        outcome = run("generate", "--output", tmp_path)
        sentence = f"alo: another command is writing a market into {tmp_path}; let it end, or name another folder\n"
        assert (outcome.status, outcome.err) == (2, sentence)
        waiting = threading.Thread(target=ready_market, args=(None, tmp_path))
        waiting.start()
        assert asked.wait(PATIENCE)
        (tmp_path / "equity").mkdir()
        (tmp_path / ".writing").unlink()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    assert told == [f"Another command is writing a market into {tmp_path}: waiting for it to end."]
    assert generator == []
    assert _names(tmp_path) == ["equity"]


def test_the_generate_command_does_not_write_over_data(run, generator, small_market, tmp_path):
    assert run("generate", "--output", tmp_path / "new", "--seed", "5").status == 0
    assert generator == [MarketTruth(seed=5)]
    outcome = run("generate", "--output", tmp_path / "new")
    assert outcome.status == 2
    assert "holds data already" in outcome.err
    assert generator == [MarketTruth(seed=5)]


def test_a_folder_that_was_named_is_never_filled(generator, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "none", tmp_path / "empty"):
        with pytest.raises(UserError):
            ready_market(folder, tmp_path / "data")
    assert generator == []


@pytest.mark.parametrize("seed", ["-5", "99999999999999999999999"])
def test_a_seed_out_of_range_is_one_sentence(run, tmp_path, seed):
    outcome = run("generate", "--output", tmp_path / "market", "--seed", seed)
    assert outcome.status == 2
    assert (
        f"Invalid value for '--seed': '{seed}' is out of range; allowed: from 0 to 9,223,372,036,854,775,807"
        in outcome.err
    )
    assert not (tmp_path / "market").exists()


def test_the_options_make_the_truth(run, generator, tmp_path):
    wanted = (
        "--name", "ONE:50:30%", "--name", "two", "--index", "INDX", "--dynamics", "ONE=heston,vol-of-vol=0.8",
        "--dynamics", "INDX=constant,volatility=15%", "--jumps", "TWO=4:-3%", "--edge", "2%", "--edge",
        "TWO=-0.01:0.005:8", "--skew-edge", "ONE=-0.01", "--correlation", "ONE=0.6", "--dividend", "ONE=0.2",
        "--split", "TWO=2024-01-10:2", "--event", "ONE=2024-01-11:6%", "--halt", "ONE=2024-01-12:10:00-10:30",
        "--early-close", "2024-01-16", "--quote-lag", "5", "--spread", "wings=0.1", "--start", "2024-01-03",
    )  # fmt: skip
    outcome = run("generate", "--output", tmp_path / "new", *wanted, "--json")
    assert outcome.status == 0, outcome.err
    one = NameTruth(
        ticker="ONE",
        price=50.0,
        dynamics=Heston(volatility=0.3, vol_of_vol=0.8),
        edge=Edge(mean=0.02),
        skew_edge=Edge(mean=-0.01),
        correlation=0.6,
        dividend=0.2,
        events=(Event(day=dt.date(2024, 1, 11), move=0.06),),
        halts=(Halt(day=dt.date(2024, 1, 12), start=dt.time(10), end=dt.time(10, 30)),),
    )
    two = NameTruth(
        ticker="TWO",
        dynamics=Garch(),
        jumps=Jumps(rate=4.0, mean=-0.03),
        edge=Edge(mean=-0.01, deviation=0.005, half_life=8.0),
        splits=(Split(day=dt.date(2024, 1, 10), ratio=2.0),),
    )
    index = NameTruth(
        ticker="INDX", price=400.0, dynamics=Constant(volatility=0.15), correlation=1.0, edge=Edge(mean=0.02)
    )
    (made,) = generator
    assert made.names == (one, two, index)
    assert (made.quote_lag, made.spread.wings, made.start) == (5, 0.1, dt.date(2024, 1, 3))
    assert made.early_closes == (dt.date(2024, 1, 16),)
    assert made.hidden_edge
    told = json.loads(outcome.out)
    assert MarketTruth.model_validate(told["truth"]) == made
    assert (told["quotes"], told["arbitrage"]) == (1000, 0)
    (tmp_path / "truth.json").write_text(json.dumps(told["truth"]))
    assert run("generate", "--output", tmp_path / "again", "--truth", tmp_path / "truth.json").status == 0
    assert generator[1] == made


def test_a_year_is_made_small(run, generator, written, tmp_path):
    wanted = ("--listing", "weeklies=0", "--listing", "strikes=5", "--resolution", "hour")
    assert run("generate", "--output", tmp_path / "new", *wanted).status == 0
    assert run("generate", "--output", tmp_path / "usual").status == 0
    assert [truth.listing for truth in generator] == [Listing(weeklies=0, strikes=5), Listing()]
    assert written == [(Resolution.HOUR,), (Resolution.MINUTE, Resolution.HOUR)]


def test_it_says_what_it_holds(run, generator, tmp_path):
    told = run("generate", "--output", tmp_path / "fair").out
    assert "no edge: options are priced at what they are worth" in told
    assert "ALFA: GJR-GARCH of long-run volatility 24.0%" in told
    told = run("generate", "--output", tmp_path / "planted", "--edge", "ALFA=0.02").out
    assert "no edge" not in told
    assert "planted edge +2 points" in told
    assert generator[0].names == DEFAULT_NAMES


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--edge", "GAMA=0.02"], "--edge GAMA=0.02 is about GAMA; the names of the market are ALFA, BRVO"),
        (["--edge", "ALFA=two"], "--edge ALFA=two: 'two' is not a number such as 0.02 or 2%"),
        (["--edge", "1:2:3:4"], "--edge 1:2:3:4 has 4 numbers; at most 3 are allowed: mean:deviation:half_life"),
        (["--edge", "ALFA=3"], "ALFA edge mean is 3.0: input should be less than or equal to 0.5"),
        (["--dynamics", "rough"], "--dynamics rough: 'rough' is no dynamics; allowed are constant, garch, heston"),
        (["--dynamics", "garch,betta=0.9"], "'betta=0.9' is no NAME=NUMBER that is known; did you mean beta"),
        (["--dynamics", "garch,beta=0.96"], "it must be below 0.999, or variance never reverts"),
        (["--halt", "2024-01-12"], "--halt 2024-01-12 is no halt; write yyyy-mm-dd:HH:MM-HH:MM"),
        (["--split", "2024-01-12"], "--split 2024-01-12 has no number; write yyyy-mm-dd:NUMBER"),
        (["--name", "A:1:2:3"], "--name A:1:2:3 has too many parts"),
        (["--name", "A", "--name", "A"], "each only once"),
        (["--listing", "strikes=0"], "listing strikes is 0.0: input should be greater than or equal to 1"),
        (["--listing", "weeklies=0", "--listing", "monthlies=1"], "unless weeklies are at least 1 or monthlies at"),
        (["--start", "2024-02-02"], "start must not be after end"),
    ],
)
def test_a_bad_truth_is_one_sentence(run, generator, tmp_path, options, sentence):
    outcome = run("generate", "--output", tmp_path / "new", *options)
    assert outcome.status == 2
    assert sentence in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert generator == []
