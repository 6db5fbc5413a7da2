"""Files that appear whole or not at all."""

import multiprocessing
import os
import signal
import stat
import threading

import pytest

from alo_lib.records.whole_files import whole_file, write_whole


def test_a_file_has_its_name_only_once_it_is_whole(tmp_path):
    target = tmp_path / "result.json"
    with whole_file(target) as file:
        file.write(b"half")
        file.flush()
        assert not target.exists()
        (unfinished,) = tmp_path.iterdir()
        assert unfinished.name.startswith(".")
    assert target.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [target]
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_there_stays_when_writing_is_cut_short(tmp_path, failure):
    target = tmp_path / "result.json"
    write_whole(target, "before\n")

    def cut_short():
        with whole_file(target) as file:
            file.write(b"half")
            raise failure

    with pytest.raises(type(failure)):
        cut_short()
    assert target.read_text() == "before\n"
    assert list(tmp_path.iterdir()) == [target]


def test_it_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    real = os.fsync

    def watched(descriptor):
        done.append((tmp_path / "x").exists())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(tmp_path / "x", "text")
    assert done == [False]


def test_a_link_is_followed_and_a_device_is_written_to(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "ä\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"\xc3\xa4\n"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError, match="none/file") as caught:
        write_whole(tmp_path / "none" / "file", "text")
    assert caught.value.filename == str(tmp_path / "none" / "file")


def test_what_a_killed_writer_has_left_is_written_over(tmp_path):
    target = tmp_path / "result.json"

    def die():
        with whole_file(target) as file:
            file.write(b"half" * 1_000)
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(2):
        child = multiprocessing.get_context("fork").Process(target=die)
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    write_whole(target, "whole")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"result.json": "whole"}


def test_writers_of_one_file_at_one_time_leave_what_one_of_them_wrote(tmp_path):
    target = tmp_path / "result.json"
    contents = [f"{number}" * 5_000 for number in range(8)]
    failed = []

    def write(content):
        try:
            for _ in range(4):
                write_whole(target, content)
                assert target.read_text() in contents
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(tmp_path.iterdir()) == [target]
