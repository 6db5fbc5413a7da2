import shutil

import pytest

from alo_lib.cli.failures import UserError
from alo_lib.cli.market_data import holds_data, ready_market, write_market


@pytest.fixture
def generator(monkeypatch, small_market):
    """Counts its calls and copies the small market."""
    calls = []

    def generate(folder, *, seed, progress):
        calls.append(seed)
        shutil.copytree(small_market, folder)

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
    assert generator == [1]


def test_hidden_files_do_not_count_as_data(generator, tmp_path):
    (tmp_path / ".gitkeep").touch()
    assert not holds_data(tmp_path)
    write_market(tmp_path, seed=3)
    assert holds_data(tmp_path)
    assert generator == [3]


def test_data_of_the_users_own_is_left_alone(generator, tmp_path):
    (tmp_path / "equity").mkdir()
    assert ready_market(None, tmp_path) == tmp_path
    assert _names(tmp_path) == ["equity"]
    assert generator == []


def test_a_market_cut_short_is_made_again(monkeypatch, generator, small_market, tmp_path):
    def interrupted(folder, *, seed, progress):
        (folder / "equity").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("alo_lib.market.generator.generate_market", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_market(tmp_path, seed=1)
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


def test_the_generate_command_does_not_write_over_data(run, generator, small_market, tmp_path):
    assert run("generate", "--output", tmp_path / "new", "--seed", "5").status == 0
    assert generator == [5]
    outcome = run("generate", "--output", tmp_path / "new")
    assert outcome.status == 2
    assert "holds data already" in outcome.err
    assert generator == [5]


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
