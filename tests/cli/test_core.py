import pytest


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a/b"], "name 'a/b' must be letters, digits and underscores"),
        (["--status"], "there is no core at"),
        (["--set", "underlying=X"], "unknown setting 'underlying'"),
        (["--set", "underlying"], "'underlying' is not NAME=VALUE"),
        (["--budget", "value=9"], "task 'forecast' cannot be scheduled"),
        (
            ["--on-overrun", "value=degrade"],
            "task 'value' needs a degraded form if, and only if, its policy is to degr",
        ),
        (["--priority", "100"], "'--priority': '100' is out of range; allowed: from 0 to 99"),
        (["--spin", "10,001"], "'10,001' is out of range; allowed: from 0 to 10,000"),
        (["--frames", "0"], "'--frames': '0' is out of range; allowed: at least 1"),
        (["--cpu", "99999"], "--cpu is 99999; this process may run on processor "),
    ],
)
def test_bad_use_is_one_sentence(run, tmp_path, arguments, sentence):
    where = ["--folder", tmp_path / "shm", "--journal", tmp_path / "journal"]
    outcome = run("core", *where, *arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1
