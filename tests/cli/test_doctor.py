import json

import pytest

from tests.host.trees import CPUS, HUGE, tree


@pytest.fixture
def host(tmp_path):
    return tree(tmp_path / "host", {f"{HUGE}/nr_hugepages": "1", f"{CPUS}/isolated": ""})


def test_every_check_is_told_with_its_cost_and_what_mends_it(run, host):
    outcome = run("doctor", "--root", host, "--cpu", "3")
    assert outcome.status == 0
    assert outcome.err == ""
    assert "isolcpus: whatever else is ready may run on the core's processor" in outcome.out
    assert "\n  boot with isolcpus=3\n" in outcome.out
    assert f"echo 128 > /{HUGE}/nr_hugepages  (--fix does it)" in outcome.out
    assert "21 checks, 2 cost something. Kernel 6.1.0-rt #1 SMP PREEMPT_RT" in outcome.out
    assert (host / f"{HUGE}/nr_hugepages").read_text() == "1\n"


def test_programs_have_the_same(run, host, tmp_path):
    where = ("--root", host, "--cpu", "3", "--book", tmp_path / "book.json", "--json")
    told = json.loads(run("doctor", *where, "--fix").out)
    assert told["processors"] == [0, 1, 2, 3]
    assert [each["name"] for each in told["checks"] if each["standing"] == "costs"] == ["isolcpus"]
    assert told["changes"] == [{"path": f"/{HUGE}/nr_hugepages", "done": True, "detail": "was 1, is 128"}]
    assert (host / f"{HUGE}/nr_hugepages").read_text() == "128\n"
    back = json.loads(run("doctor", *where, "--undo").out)
    assert back["changes"] == [{"path": f"/{HUGE}/nr_hugepages", "done": True, "detail": "is 1"}]
    assert {each["name"]: each["fixable"] for each in back["checks"]}["huge pages, explicit"]
    assert run("doctor", *where[:-1], "--undo").out.endswith("There was nothing to be taken back.\n")


def test_a_measured_run_is_told(run):
    told = json.loads(run("doctor", "--jitter", "0.1", "--priority", "0", "--json").out)
    assert [each["frames"] for each in told["jitter"]] == [10]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fix", "--undo"], "--fix and --undo are given together; choose one of them"),
        (["--cpu", "4"], "--cpu is 4; this machine has processor 0, 1, 2, 3"),
        (["--jitter", "1"], "--jitter measures this machine, and --root names a copy of one"),
        (["--jitter", "0"], "'--jitter': '0' is out of range; allowed: from 0.05 to 3,600"),
    ],
)
def test_bad_use_is_one_sentence(run, host, arguments, sentence):
    outcome = run("doctor", "--root", host, *arguments)
    assert outcome.status == 2
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_book_that_is_none_is_refused(run, host, tmp_path):
    (tmp_path / "book.json").write_text("{}")
    outcome = run("doctor", "--root", host, "--undo", "--book", tmp_path / "book.json")
    assert outcome.status == 2
    assert "book.json is no book of changes of alo doctor; remove it, or name another" in outcome.err
