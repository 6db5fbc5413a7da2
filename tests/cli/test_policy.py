"""``alo backtest --set hedge=policy``, its replay, and going on after a kill."""

import json

import pytest

from alo_lib.core import FrameTask
from alo_lib.runtime.policy_file import KEPT_POLICY, save_policy
from alo_lib.strategy.hedging_policy import HedgingPolicy
from tests.core.test_policy import random_policy

DAY = ("--underlying", "ALFA", "--start", "2024-01-02", "--end", "2024-01-02")


def asks(path, *more):
    return ("--set", "hedge=policy", "--set", f"policy={path}", *more)


class KilledError(BaseException):
    """Stands in for a signal."""


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"format":"alo hedging policy","version":7}'])
def test_a_file_that_is_no_policy_stops_the_start(content, run, small_market, tmp_path):
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_bytes(content)
    outcome = run("backtest", "--data", small_market, *DAY, *asks(path), "--output", tmp_path / "runs")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith(f"alo: the policy {path} cannot be ")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_policy_that_is_not_named_stops_the_start(run, small_market):
    outcome = run("backtest", "--data", small_market, *DAY, "--set", "hedge=policy")
    assert (outcome.status, outcome.err) == (
        2,
        "alo: setting hedge policy needs a file to hedge by: set policy, too\n",
    )


def test_a_run_by_a_policy_is_killed_goes_on_and_is_replayed_without_the_file(run, small_market, tmp_path, monkeypatch):
    path, real, frames = tmp_path / "mine.json", FrameTask.EXECUTE.step, iter(range(10**9))
    save_policy(random_policy(), path)

    def execute(work, frame):
        if next(frames) == 30:
            raise KilledError
        return real(work, frame)

    monkeypatch.setattr(FrameTask.EXECUTE, "step", execute)
    with pytest.raises(KilledError):
        run("backtest", "--data", small_market, *DAY, *asks(path), "--output", tmp_path / "runs")
    monkeypatch.setattr(FrameTask.EXECUTE, "step", real)
    killed = next((tmp_path / "runs").glob("*.partial"))
    save_policy(HedgingPolicy.zero(1.0), path)
    outcome = run("backtest", "--resume", killed)
    assert outcome.status == 2
    assert f"alo: the policy {path} has the digest " in outcome.err
    assert killed.is_dir()
    path.unlink()
    told = json.loads(run("backtest", "--resume", killed, "--json").out)
    save_policy(random_policy(), path)
    whole = run("backtest", "--data", small_market, *DAY, *asks(path), "--json", "--output", tmp_path / "whole")
    assert told["journal_digest"] == json.loads(whole.out)["journal_digest"]
    path.unlink()
    done = killed.with_suffix("")
    assert run("replay", done, "--quiet").status == 0
    save_policy(HedgingPolicy.zero(1.0), done / KEPT_POLICY)
    outcome = run("replay", done, "--quiet")
    assert outcome.status == 2
    assert f"alo: the policy {done / KEPT_POLICY} has the digest " in outcome.err
