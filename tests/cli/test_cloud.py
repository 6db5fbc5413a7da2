"""A program staged for QuantConnect's cloud: within a tier's limits, readable, and the same program."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alo_lib.cli.cloud.alo_bundle import sections_of
from alo_lib.cli.cloud.closure import modules_needed
from alo_lib.cli.cloud.staging import PROGRAMS, stage
from alo_lib.cli.cloud.tiers import TIERS
from alo_lib.cli.project import ROOT
from alo_lib.exports import handed_on

CASES = [("greeks", "free", 25, 32_000), ("strategy", "researcher", 50, 64_000)]

PRICES = """
import numpy as np
from alo_lib.pricing import greeks, price
terms = dict(spot=100.0, strike=np.array([80.0, 100.0, 120.0]), time_to_expiry=0.5, rate=0.05, dividend_yield=0.02,
             volatility=0.2, right=-1)
found = greeks(**terms)
print(price(**terms).tobytes().hex(), found.delta.tobytes().hex(), found.vega.tobytes().hex())
"""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("staged")
    for what, tier, _, _ in CASES:
        stage(PROGRAMS[what], TIERS[tier], folder / what)
    return {what: folder / what for what, _, _, _ in CASES}


def python(code: str, folder: Path, tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs code where nothing but the folder, or the tree, holds our modules, and the working folder is another."""
    unset = ("PYTHONPATH", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "ALO_KERNELS", "ALO_KEEP_KERNELS")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-P", "-B", "-c", code],
        cwd=tmp_path,
        env=kept | {"PYTHONPATH": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("what", "tier", "files", "size"), CASES)
def test_a_tier_takes_it_and_each_module_is_there_to_the_byte(
    staged: dict[str, Path], what: str, tier: str, files: int, size: int
) -> None:
    pushed = sorted(staged[what].glob("*.py"))
    assert sorted(path for path in staged[what].rglob("*") if path.suffix == ".py") == pushed
    assert 2 < len(pushed) <= files
    assert max(path.stat().st_size for path in pushed) <= size
    held = {each.path: each.source for path in pushed for each in sections_of(path.read_text())}
    assert held == {path: (ROOT / path).read_text() for path in held}
    assert {"models/option_price_model.py", "alo_lib/pricing/american.py"} <= held.keys()
    for path in pushed:
        compile(path.read_text(), path.name, "exec")
    for path in staged[what].glob("alo_bundle_*.py"):
        lines = path.read_text().splitlines()
        for each in sections_of(path.read_text()):
            assert lines[each.line - 2] == f"# ==== {each.path} ===="
            assert lines[each.line - 1] == each.source.splitlines()[0]


@pytest.mark.parametrize("what", ["greeks", "strategy"])
def test_what_it_imports_is_what_python_imports(staged: dict[str, Path], what: str, tmp_path: Path) -> None:
    """With LEAN's names stood in for; every module of the bundles can be imported, too."""
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from unittest.mock import MagicMock
from tests.models.conftest import NET, Lean
for name in [name for name in sys.modules if name.partition(".")[0] in ("alo_lib", "tests")]:
    del sys.modules[name]
del sys.path[0]
lean = Lean("AlgorithmImports")
lean.Resolution = MagicMock()
sys.modules.update({{name: MagicMock() for name in NET}}, AlgorithmImports=lean)
import main
names = sorted(name for name in sys.modules if name.partition(".")[0] in ("alo_lib", "models", "algorithm"))
print(*names)
import alo_bundle, importlib
(bundles,) = [each for each in sys.meta_path if isinstance(each, alo_bundle.Bundles)]
for name in bundles._found:
    importlib.import_module(name)
assert all(module.__spec__.loader is bundles for name, module in sys.modules.items() if name in bundles._found)
"""
    done = python(code, staged[what], tmp_path)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    held = {each.path for path in staged[what].glob("*.py") for each in sections_of(path.read_text())}
    files = {name.replace(".", "/") for name in imported}
    assert {path.removesuffix(".py").removesuffix("/__init__") for path in held} >= files
    assert len(imported) > 40


def test_prices_are_the_same_where_nothing_can_be_written(staged: dict[str, Path], tmp_path: Path) -> None:
    """Files stand where folders for kernels would, since permissions do not bind root."""
    nowhere = tmp_path / "home"
    for path in (nowhere, staged["greeks"] / "__pycache__"):
        path.touch()
    bundled = python(PRICES, staged["greeks"], tmp_path, HOME=str(nowhere))
    (staged["greeks"] / "__pycache__").unlink()
    ours = python(PRICES, ROOT, tmp_path, NUMBA_CACHE_DIR=os.environ.get("NUMBA_CACHE_DIR", str(tmp_path / "kernels")))
    assert (bundled.returncode, ours.returncode) == (0, 0), bundled.stderr + ours.stderr
    assert bundled.stdout == ours.stdout
    assert len(bundled.stdout.split()) == 3


def test_kernels_of_bundles_are_named_by_their_modules_alone(tmp_path: Path) -> None:
    """Neither the user's main.py nor the bundle that a module lies in compiles anything anew."""
    program = tmp_path / "project"
    stage(PROGRAMS["greeks"], TIERS["free"], program)
    code = (
        "from alo_lib.numerics import compilation, elementary\n"
        "from pathlib import Path\n"
        "print(compilation._identity(Path(elementary.__file__).parent), elementary.normal_cdf._wholes.own.cache_path)"
    )

    def named(cache: str) -> tuple[str, str]:
        done = python(code, program, tmp_path, NUMBA_CACHE_DIR=str(tmp_path / cache))
        assert done.returncode == 0, done.stderr
        identity, path = done.stdout.split()
        return identity, path

    identity, path = named("kernels")
    assert path == str(tmp_path / "kernels" / identity)
    assert re.fullmatch("numerics_[0-9a-f]{32}", identity)
    (program / "main.py").write_text("from models import AloOptionPriceModel\n")
    stage(PROGRAMS["greeks"], TIERS["team"], program)
    assert named("kernels")[0] == identity
    (bundle,) = [path for path in program.glob("alo_bundle_*.py") if "elementary.py ====" in path.read_text()]
    begins = "# ==== alo_lib/numerics/elementary.py ====\n"
    bundle.write_text(bundle.read_text().replace(begins, f"{begins}# changed\n"))
    assert named("kernels")[0] != identity


@pytest.mark.parametrize("keep", [False, True])
def test_kernels_are_kept_in_the_object_store_where_the_user_says_so(tmp_path: Path, keep: bool) -> None:
    stage(PROGRAMS["greeks"], TIERS["free"], tmp_path / "project", keep_kernels=keep)
    code = "from alo_lib.numerics.kernel_archive import ARCHIVE; print(ARCHIVE is not None)"
    assert python(code, tmp_path / "project", tmp_path).stdout.strip() == str(keep)


def test_tracebacks_and_sources_show_the_lines_of_the_bundle(staged: dict[str, Path], tmp_path: Path) -> None:
    code = """
import inspect, traceback
from alo_lib.pricing import DividendModel, Scheme, PricingError, price
from alo_lib.pricing.schedules import Dividends
from alo_lib.pricing.curves import Curve
print(inspect.getsource(price).splitlines()[0], inspect.getsource(Curve).splitlines()[1], sep="\\n")
try:
    price(spot=-1.0, strike=1.0, time_to_expiry=1.0, rate=0.0, dividend_yield=0.0, volatility=0.2, right=1)
except PricingError as error:
    for frame in traceback.extract_tb(error.__traceback__)[1:]:
        print(frame.filename, frame.lineno, frame.line, sep="|")
"""
    done = python(code, staged["greeks"], tmp_path)
    assert done.returncode == 0, done.stderr
    function, curve, *frames = done.stdout.splitlines()
    assert function == "def price("
    assert curve in (ROOT / "alo_lib" / "pricing" / "curves.py").read_text()
    assert len(frames) >= 3
    for frame in frames:
        file, line, text = frame.split("|")
        assert Path(file).name.startswith("alo_bundle_")
        assert Path(file).read_text().splitlines()[int(line) - 1].strip() == text != ""


def test_a_module_that_was_not_staged_is_told_with_what_stages_it(staged: dict[str, Path], tmp_path: Path) -> None:
    done = python("import alo_lib.strategy.sizing", staged["greeks"], tmp_path)
    told = "ModuleNotFoundError: no module named 'alo_lib.strategy' is in alo_bundle_*.py; alo cloud stage writes"
    assert told in done.stderr


def test_a_function_of_its_modules_name_is_handed_on_out_of_bundles(staged: dict[str, Path], tmp_path: Path) -> None:
    code = "import alo_lib.pricing.early_exercise; from alo_lib.pricing import early_exercise; print(early_exercise)"
    done = python(code, staged["greeks"], tmp_path)
    assert done.stdout.startswith("<function early_exercise"), done.stderr


def test_ones_own_files_stay_and_what_they_import_is_staged(run, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    main = "from helper import model\nfrom models import AloOptionPriceModel\n"
    (folder / "main.py").write_text(main)
    (folder / "helper.py").write_text("def model():\n    from models import AloVolatilityModel\n")
    (folder / "config.json").write_text("{}")
    (folder / "research.ipynb").write_text("{}")
    first = run("cloud", "stage", "--tier", "team", "--what", "greeks", "--output", folder, "--json")
    assert first.status == 0, first.err
    told = json.loads(first.out)
    assert told["kept"] == ["helper.py", "main.py", "research.ipynb"]
    assert told["tier"] == {"files": 75, "file_bytes": 128_000}
    assert told["files"] == len([path for path in folder.iterdir() if path.name != "config.json"])
    assert ((folder / "main.py").read_text(), (folder / "config.json").read_text()) == (main, "{}")
    held = [each.path for path in folder.glob("*.py") for each in sections_of(path.read_text())]
    assert "models/volatility_model.py" in held
    assert "models/alpha_model.py" not in held
    (folder / "helper.py").unlink()
    again = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
    assert again.status == 0, again.err
    assert "the tier free allows 25 files of 32 KB" in again.out
    assert "yours, and kept: main.py, research.ipynb" in again.out
    held = [each.path for path in folder.glob("*.py") for each in sections_of(path.read_text())]
    assert "models/volatility_model.py" not in held
    assert len(held) == len(set(held))


def test_what_does_not_fit_or_is_in_the_way_is_told_and_nothing_is_written(run, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    refused = run("cloud", "stage", "--tier", "free", "--what", "strategy", "--output", folder)
    assert refused.status == 2
    assert re.fullmatch(
        r"alo: \d\d files would be needed, and the tier allows 25 files of 32 KB; name a larger tier\n", refused.err
    )
    assert not folder.exists()
    folder.mkdir()
    (folder / "main.py").write_text("#" * 32_001)
    refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
    assert "main.py would be 32.0 KB, and the tier allows 32 KB a file" in refused.err
    (folder / "main.py").write_text("#")
    (folder / "models.py").write_text("mine = 1\n")
    refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
    assert "models.py is in the way: alo cloud stage did not write it" in refused.err
    (folder / "models.py").unlink()
    (folder / "alo_lib").mkdir()
    refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
    assert "alo_lib would be imported in place of the bundles" in refused.err
    assert refused.status == 2
    assert sorted(path.name for path in folder.iterdir()) == ["alo_lib", "main.py"]
    (folder / "alo_lib").rmdir()
    (folder / "main.py").write_text("\ndef (\n")
    refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
    assert (refused.status, refused.err) == (2, f"alo: {folder / 'main.py'}, line 2: invalid syntax\n")
    (folder / "main.py").write_text("import alo_lib.pricing.prices\n")
    refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
    missing = f"alo: {folder / 'main.py'} imports alo_lib.pricing.prices, which is no module of this project\n"
    assert (refused.status, refused.err) == (2, missing)
    for module in ("models", "alo_lib.pricing", "alo_lib.pricing.quotes"):
        (folder / "main.py").write_text(f"def later():\n    from {module} import Nothing\n")
        refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
        missing = f"alo: {folder / 'main.py'} imports Nothing from {module}, which has no such name\n"
        assert (refused.status, refused.err) == (2, missing)
    (folder / "main.py").write_bytes(b"# caf\xe9\n")
    (folder / "models.py").write_bytes(b"mine = '\xe9'\n")
    for name, why in (("models.py", " is in the way"), ("main.py", ": invalid or missing encoding declaration\n")):
        refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
        assert (refused.status, refused.err.startswith(f"alo: {folder / name}{why}")) == (2, True), refused.err
        (folder / name).unlink()
    assert run("cloud", "stage", "--tier", "paid", "--output", folder).status == 2
    for name in ("main.py", "config.json"):  # what is no file there is not written through
        (folder / name).symlink_to(tmp_path / "elsewhere")
        refused = run("cloud", "stage", "--tier", "free", "--what", "greeks", "--output", folder)
        assert (refused.status, f"{folder / name} is in the way: it is no file" in refused.err) == (2, True)
        (folder / name).unlink()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(("mark", "encoding"), [(b"", "utf-8-sig"), (b"# coding: latin-1\n", "latin-1")])
def test_ones_own_files_are_decoded_as_python_does(run, tmp_path: Path, mark: bytes, encoding: str) -> None:
    own = "# caf\u00e9\nfrom models import AloVolatilityModel\n".encode(encoding)
    (tmp_path / "main.py").write_bytes(mark + own)
    done = run("cloud", "stage", "--tier", "researcher", "--what", "greeks", "--output", tmp_path)
    assert done.status == 0, done.err
    held = {each.path for path in tmp_path.glob("alo_bundle_*.py") for each in sections_of(path.read_text())}
    assert "models/volatility_model.py" in held
    assert (tmp_path / "main.py").read_bytes() == mark + own


def test_lines_that_begin_a_section_are_told_from_the_sources() -> None:
    for path in ROOT.joinpath("alo_lib").rglob("*.py"):
        assert sections_of(path.read_text()) == [] or path.name == "alo_bundle.py", path


def test_what_is_needed_is_found_in_functions_and_behind_lazy_names_and_not_for_type_checkers() -> None:
    def needed(source: str) -> list[str]:
        return modules_needed({"main.py": source})

    assert needed("import os") == []
    assert "alo_lib/market/calendar.py" in needed("def f():\n    from alo_lib.market import MarketHours\n")
    lazily = needed("from alo_lib.records import SECOND")
    assert lazily == [
        "alo_lib/__init__.py",
        "alo_lib/exports.py",
        "alo_lib/records/__init__.py",
        "alo_lib/records/units.py",
    ]
    assert needed("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import alo_lib.settings") == []
    lazy = handed_on((ROOT / "alo_lib" / "pricing" / "__init__.py").read_text())
    everything = {f"{module.replace('.', '/')}.py" for module in lazy.values()}
    for whole in ("import alo_lib.pricing as p", "from alo_lib import pricing", "from alo_lib.pricing import *"):
        assert everything <= set(needed(whole)), whole
    assert not everything <= set(needed("from alo_lib.pricing import price"))


def test_an_example_that_nobody_changed_is_replaced(run, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    for what, main in (("greeks", "algorithm/chain_greeks.py"), ("strategy", "main.py"), ("strategy", "main.py")):
        done = run("cloud", "stage", "--tier", "team", "--what", what, "--output", folder, "--json")
        assert json.loads(done.out)["kept"] == []
        assert (folder / "main.py").read_text() == (ROOT / main).read_text()
        parameters = json.loads((folder / "config.json").read_text()).get("parameters", {})
        assert parameters.get("underlyings") == (None if what == "greeks" else "SPY")
