"""Journals that hold what none should: one sentence each, never a traceback."""

import os

import pyarrow.parquet as pq
import pytest

from alo_lib.journal import JournalWriter
from alo_lib.records import Kind, Message, records
from alo_lib.settings import Settings

GOOD = Settings.of({"underlyings": "TEST"}).model_dump_json().encode()
ODD = b'\xff\xfe"x\xc3\xa9'


@pytest.fixture
def written(tmp_path):
    """Writes a journal with an instrument of an odd name, under any settings."""

    def write(settings=GOOD, symbol=b"TEST"):
        writer = JournalWriter.create(tmp_path / "journal", settings=settings)
        writer.append(Message(Kind.INSTRUMENT, 1, records(Kind.INSTRUMENT, 1, symbol=symbol)))
        writer.close()
        return tmp_path / "journal"

    return write


def refused(run, *arguments):
    outcome = run(*arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1), outcome.err
    return outcome.err


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (b"{{{", "alo: what the journal's header has of settings is not JSON: Expecting property name"),
        (b"\xff\xfe\xff", "alo: what the journal's header has of settings is not UTF-8: byte 0 is 0xff"),
        (b"[" * 100_000, "alo: what the journal's header has of settings is not JSON that is read: it has lists or"),
        (b"[1, 2]", "alo: the settings in the journal's header are a JSON list, not an object"),
        (b'{"cash": "abc"}', "alo: setting cash is 'abc'; allowed: "),
        (b'{"cush": 3}', "alo: unknown setting 'cush'"),
    ],
)
def test_odd_settings(run, written, tmp_path, settings, sentence):
    folder = written(settings)
    assert refused(run, "replay", "--quiet", folder).startswith(sentence)
    for command in (("list",), ("show",), ("verify",), ("export", "--output", tmp_path / "parquet")):
        assert run("journal", command[0], folder, *command[1:]).status == 0  # none of them needs the settings


def test_odd_text(run, written, tmp_path):
    folder = written(symbol=ODD)
    for command in ("list", "show", "verify"):
        assert run("journal", command, folder).status == 0
    assert run("journal", "export", folder, "--output", tmp_path / "parquet").status == 0
    table = pq.read_table(tmp_path / "parquet" / "instrument.parquet")
    assert table["symbol"].to_pylist() == ['\\xff\\xfe"xé']
    assert "(INSTRUMENT) cannot be taken in (UnicodeDecodeError: " in refused(run, "replay", "--quiet", folder)


@pytest.mark.parametrize(
    ("name", "plant", "what"),
    [
        ("00000001.segment", os.mkfifo, "a pipe"),
        ("00000001.segment", os.mkdir, "a folder"),
        ("index", os.mkfifo, "a pipe"),
    ],
)
def test_odd_files(run, written, tmp_path, name, plant, what):
    folder = written()
    plant(folder / name)
    sentence = f"alo: journal {folder} cannot be read: {name}: it is {what}, not a file\n"
    assert refused(run, "journal", "show", folder) == sentence
    listed = run("journal", "list", tmp_path, "--json")
    assert (listed.status, f"{name}: it is {what}, not a file" in listed.out) == (0, True)
    if name != "index":  # which nobody but list and show needs
        assert refused(run, "journal", "export", folder) == sentence
        assert refused(run, "replay", folder) == sentence
        verified = run("journal", "verify", folder)
        assert (verified.status, verified.err) == (1, sentence)


def test_a_damaged_index_is_made_again(run, written):
    folder = written()
    (folder / "index").write_bytes(b"abc" * 40)
    assert run("journal", "show", folder).status == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read(run, written):
    folder = written()
    folder.chmod(0)
    assert refused(run, "journal", "show", folder) == f"alo: {folder}: Permission denied\n"


def test_an_empty_folder_is_no_journal(run, tmp_path):
    assert "has no journal; name the folder of a run" in refused(run, "journal", "verify", tmp_path)
    assert "is not a journal: it holds no segment" in refused(run, "replay", tmp_path)
