"""``alo train`` where it cannot train, and what checkpoints and courses refuse."""

import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from alo_lib.cli.commands.train import train
from alo_lib.cli.failures import UserError
from alo_lib.learning import LearningError
from alo_lib.learning.checkpoints import load_checkpoint, save_checkpoint
from alo_lib.learning.courses import Course
from alo_lib.learning.scenarios import COURSES

SHAPES = {"a": (2,)}


def test_says_how_to_get_the_packages_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("training", "seeds"):
        monkeypatch.delitem(sys.modules, f"alo_lib.learning.{name}", raising=False)
    with pytest.raises(UserError, match=r"^training needs torch of requirements/train.txt, .*run ./alo train"):
        CliRunner().invoke(train, ["--output", str(tmp_path / "policy.json")], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_help_needs_no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    told = CliRunner().invoke(train, ["--help"])
    assert told.exit_code == 0
    assert "--workers" in told.output


def test_says_that_there_is_no_folder_to_write_to_and_overwrites_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no folder .*nowhere to write policy.json to; make it first"):
        CliRunner().invoke(train, ["--output", str(tmp_path / "nowhere" / "policy.json")], catch_exceptions=False)
    (tmp_path / "thesis").write_text("mine")
    with pytest.raises(UserError, match=r"thesis exists and is no policy that alo has written"):
        CliRunner().invoke(train, ["--output", str(tmp_path / "thesis")], catch_exceptions=False)
    asked = ["--output", str(tmp_path / "policy.json"), "--html", str(tmp_path / "thesis")]
    with pytest.raises(UserError, match=r"thesis exists and is no page that alo has written"):
        CliRunner().invoke(train, asked, catch_exceptions=False)
    assert (tmp_path / "thesis").read_text() == "mine"


def test_offers_all_scenarios_that_there_are() -> None:
    (option,) = (each for each in train.params if each.name == "scenarios")
    assert isinstance(option.type, click.Choice)
    assert (list(option.type.choices), option.default) == (list(COURSES), Course().scenarios)


@pytest.mark.parametrize(
    "option", ["--iterations=0", "--seed=-1", "--seeds=0", "--workers=0", "--paths=10", "--scenarios=x"]
)
def test_refuses_numbers_out_of_range(option: str) -> None:
    ended = CliRunner().invoke(train, [option])
    assert ended.exit_code == 2
    assert option.split("=")[0] in ended.stderr


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"batch": 5_000}, "batch is 5000; allowed: 20 to 3,000"),
        ({"rate": 0.0}, "rate is 0; allowed: above 0 up to 1"),
        ({"rate": float("nan")}, "rate is nan; allowed: above 0 up to 1"),
        ({"scenarios": "martian"}, "scenarios are 'martian'; allowed: european, american"),
        ({"hidden": (65,)}, r"hidden is \(65,\); allowed: up to 3 layers of 1 to 64"),
    ],
)
def test_a_course_refuses_numbers_out_of_range(numbers: dict[str, object], said: str) -> None:
    with pytest.raises(LearningError, match=said):
        Course(**numbers)  # type: ignore[arg-type]


def test_a_course_is_another_with_any_other_number() -> None:
    courses = [Course(), Course(rate=0.01), Course(batch=200), Course(hidden=(16,))]
    courses.append(Course(scenarios="american"))
    assert len({course.identity(seed) for course in courses for seed in (1, 2)}) == 10


def test_checkpoints_of_the_default_course_are_still_good() -> None:
    """What a course is told by has not changed since they were written."""
    assert Course().identity(1) == "4455a9ed94616189a30e1659023798026631ad69a6c9021d8146e24d7bb2a025"


def test_a_checkpoint_is_read_back_and_another_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    save_checkpoint(path, "this", {"a": np.array([1.5, 2.0])})
    assert load_checkpoint(path, "this", SHAPES)["a"].tolist() == [1.5, 2.0]
    with pytest.raises(LearningError, match=r"c.npz is the checkpoint of a training with other numbers; train with"):
        load_checkpoint(path, "that", SHAPES)
    with pytest.raises(LearningError, match=r"c.npz is no checkpoint of this training: its arrays are others"):
        load_checkpoint(path, "this", {"a": (3,)})
    save_checkpoint(path, "this", {"a": np.array([1.5, np.inf])})
    with pytest.raises(LearningError, match=r"c.npz is damaged: it holds numbers that are not finite"):
        load_checkpoint(path, "this", SHAPES)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"{}" * 100])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.npz"
    path.write_bytes(content)
    with pytest.raises(LearningError, match=r"c.npz is no checkpoint of a training \("):
        load_checkpoint(path, "this", SHAPES)
    save_checkpoint(path, "this", {"a": np.array([1.5, 2.0])})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(LearningError, match=r"c.npz is no checkpoint of a training \("):
        load_checkpoint(path, "this", SHAPES)


def test_a_checkpoint_that_could_run_something_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    np.savez(path, identity=np.array("this"), a=np.array([object()]))
    with pytest.raises(LearningError, match=r"c.npz is no checkpoint of a training \(ValueError: Object arrays"):
        load_checkpoint(path, "this", SHAPES)
