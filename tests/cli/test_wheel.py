"""The wheel: built without a network, it holds what a program needs, and prices to the bit as the tree does."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from alo_lib.cli.distribution import alo_wheel
from alo_lib.cli.project import ROOT
from tests.cli.test_cloud import PRICES, python

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, env=os.environ | {"PIP_NO_INDEX": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", ROOT, "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    pip("install", "--no-deps", "--target", folder, wheel)
    return folder


def test_it_holds_the_modules_and_their_types_and_leaves_the_tree_alone(wheel: Path, tmp_path: Path) -> None:
    assert wheel.name == f"alo-{PROJECT['version']}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    files = [path for name in ("alo_lib", "models") for path in (ROOT / name).rglob("*.py")]
    modules = {path.relative_to(ROOT).as_posix() for path in files}
    assert modules | {"alo_lib/py.typed", "models/py.typed"} == {name for name in names if ".dist-info/" not in name}
    assert not [ROOT / name for name in ("build", "alo.egg-info") if (ROOT / name).exists()]
    assert (tmp_path / alo_wheel.build_wheel(str(tmp_path))).read_bytes() == wheel.read_bytes()
    with pytest.raises(alo_wheel.UnsupportedOperation, match="pip wheel"):
        alo_wheel.build_sdist(str(tmp_path))


def test_it_prices_as_the_tree_does_with_kernels_of_equal_sources(installed: Path, tmp_path: Path) -> None:
    kernels = os.environ.get("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    origins = (
        "import importlib.util\n"
        "for name in ('alo_lib', 'models'):\n"
        f"    assert importlib.util.find_spec(name).origin.startswith({str(installed)!r})\n"
    )
    ours, theirs = (
        python(code, folder, tmp_path, NUMBA_CACHE_DIR=kernels)
        for code, folder in ((PRICES, ROOT), (origins + PRICES, installed))
    )
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr + theirs.stderr
    assert theirs.stdout == ours.stdout
    assert len(ours.stdout.split()) == 3


def test_what_it_asks_for_the_image_has() -> None:
    """The versions of LEAN's image, which requirements.txt lists, and those that the tests run on."""
    from pip._vendor.packaging.requirements import Requirement

    listed = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    asked = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}
    assert sorted(asked) == sorted(re.split("[=<>]", line)[0] for line in listed)
    for name, requirement in asked.items():
        assert requirement.specifier.contains(version(name)), name
        exact = [line.partition("==")[2] for line in listed if line.startswith(f"{name}==")]
        assert all(requirement.specifier.contains(each) for each in exact)
