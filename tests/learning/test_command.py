"""``alo train`` where it cannot train."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from alo_lib.cli.commands.train import train
from alo_lib.cli.failures import UserError

NEEDS_PACKAGES = ("environment", "evaluation", "training")


def test_says_how_to_get_the_packages_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    for name in NEEDS_PACKAGES:
        monkeypatch.delitem(sys.modules, f"alo_lib.learning.{name}", raising=False)
    with pytest.raises(UserError, match=r"^training needs gymnasium of requirements/train.txt, .*run ./alo train"):
        CliRunner().invoke(train, ["--output", str(tmp_path / "policy.npz")], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_says_that_there_is_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no folder .*nowhere to write policy.npz to; make it first"):
        CliRunner().invoke(train, ["--output", str(tmp_path / "nowhere" / "policy.npz")], catch_exceptions=False)


@pytest.mark.parametrize("option", ["--steps=0", "--seed=-1", "--episodes=1"])
def test_refuses_numbers_out_of_range(option: str) -> None:
    ended = CliRunner().invoke(train, [option])
    assert ended.exit_code == 2
    assert option.split("=")[0] in ended.stderr
