"""Changes that are written down, made and taken back, on pictures of hosts and on this one's huge pages."""

import json
import os
from pathlib import Path

import pytest

from alo_lib.host import BookError, Change, Finding, Machine, Standing, examine, mend, take_back
from tests.host.trees import CPUS, HUGE, THP, TUNED, tree

UNTUNED = {
    f"{CPUS}/cpu3/cpufreq/scaling_governor": "powersave",
    f"{HUGE}/nr_hugepages": "0",
    "proc/irq/24/smp_affinity_list": "0-3",
}


def contents(root):
    return {path: (root / path).read_text().strip() for path in TUNED}


@pytest.fixture
def machine(tmp_path):
    return Machine(tree(tmp_path / "host", UNTUNED), processor=3)


def test_what_is_mended_is_written_down_and_taken_back(machine, tmp_path):
    before, book = contents(machine.root), tmp_path / "storage" / "book.json"
    outcomes = mend(machine, examine(machine), book)
    assert [(each.path, each.done) for each in outcomes] == [(path, True) for path in sorted(UNTUNED, key=_told)]
    assert not any(finding.changes for finding in examine(machine))
    assert {each["path"]: each["before"] for each in json.loads(book.read_text())["changes"]} == UNTUNED
    taken = take_back(machine, book)
    assert [each.path for each in taken] == [each.path for each in outcomes][::-1]
    assert contents(machine.root) == before
    assert not book.exists()
    assert take_back(machine, book) == []


def _told(path):
    return ["cpufreq" in path, "irq" in path, "huge" in path].index(True)


def test_mending_twice_takes_back_to_the_beginning(machine, tmp_path):
    before, book = contents(machine.root), tmp_path / "book.json"
    mend(machine, examine(machine), book)
    (machine.root / f"{CPUS}/cpu3/cpuidle/state3/disable").write_text("0\n")
    assert len(mend(machine, examine(machine), book)) == 1
    take_back(machine, book)
    assert contents(machine.root) == before | {f"{CPUS}/cpu3/cpuidle/state3/disable": "0"}


def test_what_somebody_else_has_changed_since_is_left(machine, tmp_path):
    book = tmp_path / "book.json"
    mend(machine, examine(machine), book)
    (machine.root / f"{HUGE}/nr_hugepages").write_text("512\n")
    refused = [each for each in take_back(machine, book) if not each.done]
    assert [each.detail for each in refused] == ["somebody has made it 512 since; it is left so"]
    assert machine.text(f"{HUGE}/nr_hugepages") == "512"
    assert machine.text(f"{CPUS}/cpu3/cpufreq/scaling_governor") == "powersave"


def test_after_the_machine_was_started_again_there_is_nothing_to_take_back(machine, tmp_path):
    book = tmp_path / "book.json"
    mend(machine, examine(machine), book)
    (machine.root / "proc/sys/kernel/random/boot_id").write_text("second\n")
    assert take_back(machine, book) == []
    assert machine.text(f"{HUGE}/nr_hugepages") == "128"


def test_a_change_that_is_refused_is_told_and_not_in_the_book(machine, tmp_path):
    book, path = tmp_path / "book.json", f"{HUGE}/nr_hugepages"
    (machine.root / path).unlink()
    (machine.root / path).symlink_to("/dev/full")  # takes nothing, and never ends when it is read
    bounded = Bounded(machine.root)
    outcomes = {each.path: each for each in mend(bounded, [offering(path, "64")], book)}
    assert not outcomes[path].done
    assert "No space left on device" in outcomes[path].detail
    assert not book.exists()


class Bounded(Machine):
    """Reads no more than a few characters of a file."""

    def text(self, path):
        with (self.root / path).open("rb") as file:
            return file.read(3).decode().strip("\0\n") or "0"


def offering(path, value):
    return Finding("x", Standing.COSTS, "", "", "", "", (Change(path, value),))


def test_a_change_is_in_the_book_before_it_is_made(machine, tmp_path, monkeypatch):
    """Killed at any moment, the book knows what to take back."""
    book, seen = tmp_path / "book.json", []
    write = Path.write_text

    def watched(path, text, *rest, **named):
        if path.is_relative_to(machine.root):
            entries = json.loads(book.read_text())["changes"]
            relative = path.relative_to(machine.root).as_posix()
            seen.append(relative in [each["path"] for each in entries])
        return write(path, text, *rest, **named)

    monkeypatch.setattr(Path, "write_text", watched)
    mend(machine, examine(machine), book)
    assert seen == [True] * len(UNTUNED)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"changes": 3, "boot": "first"}',
        b'{"changes": [{"path": "sys/x"}], "boot": "first"}',
        b'{"changes": [{"path": "etc/passwd", "before": "x", "after": "y"}], "boot": "first"}',
        b'{"changes": [{"path": "sys/../etc/passwd", "before": "x", "after": "y"}], "boot": "first"}',
        b'{"changes": [{"path": "sys/x", "before": 1, "after": "y"}], "boot": "first"}',
    ],
)
def test_a_book_that_is_none_changes_nothing(machine, tmp_path, content):
    book = tmp_path / "book.json"
    book.write_bytes(content)
    before = contents(machine.root)
    with pytest.raises(BookError, match=str(book)):
        take_back(machine, book)
    with pytest.raises(BookError, match=str(book)):
        mend(machine, examine(machine), book)
    assert contents(machine.root) == before


def test_a_word_among_others_is_put_back_as_that_word(tmp_path):
    machine = Machine(tree(tmp_path / "host", {f"{THP}/enabled": "always madvise [never]"}))
    book = tmp_path / "book.json"
    assert mend(machine, examine(machine), book)[0].detail == "was never, is madvise"
    take_back(machine, book)
    assert machine.text(f"{THP}/enabled") == "never"


@pytest.mark.skipif(not os.access(f"/{HUGE}/nr_hugepages", os.W_OK), reason="this user may not set huge pages aside")
def test_huge_pages_of_this_machine_are_set_aside_and_given_back(tmp_path):
    machine, book = Machine(), tmp_path / "book.json"
    before = machine.number(f"{HUGE}/nr_hugepages") or 0
    try:
        (outcome,) = mend(machine, [offering(f"{HUGE}/nr_hugepages", str(before + 2))], book)
        now = machine.number(f"{HUGE}/nr_hugepages")
        assert (now == before + 2) is outcome.done
        if not outcome.done and now == before:
            pytest.skip(f"the kernel has no room for two more: {outcome.detail}")
        taken = take_back(machine, book)
        assert [each.done for each in taken] == [True]
        assert machine.number(f"{HUGE}/nr_hugepages") == before
    finally:
        Path(f"/{HUGE}/nr_hugepages").write_text(f"{before}\n")
