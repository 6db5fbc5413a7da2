"""Which kernels are taken from disk: those of equal sources, wherever they lie, and never one whose callee changed."""

import ast
import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba.core import config, event

from alo_lib.numerics import compilation
from alo_lib.numerics.compilation import kernel, python_original
from alo_lib.numerics.pipeline import BorrowArrays

LIBRARY = Path(compilation.__file__).resolve().parents[1]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three packages, the first importing the second and that the third; a fourth that nobody imports."""
    folder = tmp_path / "alo_lib"
    for name, imported in (("upper", "middle"), ("middle", "lower"), ("lower", ""), ("other", "upper")):
        (folder / name).mkdir(parents=True)
        line = f"def g():\n    from alo_lib.{imported} import f\n" if imported else ""
        (folder / name / "module.py").write_text(line, encoding="utf-8")
    monkeypatch.setattr(compilation, "_LIBRARY", folder)
    return folder


def identity(library: Path) -> str:
    for cached in (compilation._modules, compilation._imported, compilation._identity):
        cached.cache_clear()
    return compilation._identity(library / "upper")


@pytest.mark.parametrize(("package", "counts"), [("upper", True), ("middle", True), ("lower", True), ("other", False)])
def test_an_identity_covers_what_a_package_imports_and_no_times(library: Path, package: str, counts: bool) -> None:
    before = identity(library)
    module = library / package / "module.py"
    os.utime(module, ns=(1, 1))
    assert identity(library) == before
    module.write_text(module.read_text() + "\n")
    assert (identity(library) != before) == counts
    (library / package / "another.py").touch()
    module.write_text(module.read_text()[:-1])
    assert (identity(library) != before) == counts


def test_kernels_of_the_pricer_are_named_by_the_numerics_too() -> None:
    assert [folder.name for folder in compilation._reached(LIBRARY / "pricing")] == ["numerics", "pricing"]


def test_versions_that_ran_last_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "_KEPT", 2)
    folders = [tmp_path / f"pricing_{digit * 32}" for digit in "abcd"]
    others = [tmp_path / "pricing_greeks", tmp_path / f"numerics_{'a' * 32}"]
    for age, folder in enumerate(others + folders):
        folder.mkdir()
        (folder / "f.nbi").touch()
        os.utime(folder, (age, age))
    compilation._used.cache_clear()
    compilation._used(folders[0])
    assert sorted(tmp_path.iterdir()) == sorted([folders[0], folders[3], *others])


Run = Callable[[Path], int]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a caller's kernel in a clone, with one cache folder for all; the number of its compilations."""

    def compilations(clone: Path) -> int:
        code = (
            "from numba.core import event; record = event.RecordingListener()\n"
            "with event.install_listener('numba:compile', record):\n"
            "    from alo_lib import FACTOR\n"
            "    from alo_lib.caller.caller import twice\n"
            "    assert twice(3.0) == 2.0 * FACTOR * 3.0\n"
            "print(sum(item.is_start for _, item in record.buffer))"
        )
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=clone,
            env={**os.environ, "PYTHONPATH": str(clone), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return compilations


def clone(folder: Path, factor: float) -> Path:
    """The door to numba, and two packages: a kernel of the one calls a kernel of the other."""
    for package in ("numerics", "callee", "caller"):
        (folder / "alo_lib" / package).mkdir(parents=True)
    numerics = (f"numerics/{name}.py" for name in ("carried", "compilation", "kernel_archive", "pipeline"))
    for name in ("sources.py", *numerics):
        shutil.copy(LIBRARY / name, folder / "alo_lib" / name)
    (folder / "alo_lib" / "__init__.py").write_text(f"FACTOR = {factor}\n")
    door = "from alo_lib.numerics.compilation import kernel\n"
    (folder / "alo_lib" / "callee" / "callee.py").write_text(
        f"{door}\n@kernel\ndef once(x):\n    return {factor} * x\n"
    )
    (folder / "alo_lib" / "caller" / "caller.py").write_text(
        f"{door}from alo_lib.callee.callee import once\n\n@kernel\ndef twice(x):\n    return 2.0 * once(x)\n"
    )
    return folder


def test_clones_share_kernels_of_equal_sources_and_keep_those_of_others(tmp_path: Path, run: Run) -> None:
    first, second, other = (clone(tmp_path / name, factor) for name, factor in (("a", 3.0), ("b", 3.0), ("c", 5.0)))
    assert run(first) > 0
    for path in first.rglob("*.py"):
        os.utime(path, (1, 1))
    assert [run(first), run(second)] == [0, 0]
    assert run(other) > 0
    assert run(second) == 0
    callee = second / "alo_lib" / "callee" / "callee.py"
    before = callee.read_text()
    callee.write_text(before.replace("3.0", "7.0"))
    (second / "alo_lib" / "__init__.py").write_text("FACTOR = 7.0\n")
    assert run(second) > 0
    callee.write_text(before)
    (second / "alo_lib" / "__init__.py").write_text("FACTOR = 3.0\n")
    assert run(second) == 0


def test_kernels_lie_beside_their_source_or_with_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    source = tmp_path / "room" / "module.py"
    source.parent.mkdir()
    source.write_text("def f(x):\n    return x\n")
    names: dict[str, Callable[[float], float]] = {}
    exec(compile(source.read_text(), str(source), "exec"), names)
    name = compilation._identity(source.parent)
    assert re.fullmatch("room_[0-9a-f]{32}", name)
    assert kernel(names["f"])._wholes.own.cache_path == str(source.parent / "__pycache__" / name)
    shutil.rmtree(source.parent / "__pycache__")
    (source.parent / "__pycache__").touch()  # as where nothing can be written; permissions do not bind root
    assert kernel(names["f"])._wholes.own.cache_path == str(tmp_path / "user" / "numba" / name)


def test_without_a_folder_kernels_are_compiled_in_memory_and_that_is_said_once(tmp_path: Path) -> None:
    """Files stand where folders for kernels would, since permissions do not bind root; and so does the user's home."""
    folder = clone(tmp_path / "project", 3.0)
    nowhere = tmp_path / "home"
    for path in (nowhere, *(folder / "alo_lib" / package / "__pycache__" for package in ("callee", "caller"))):
        path.touch()
    unset = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-c", "from alo_lib.caller.caller import twice; print(twice(3.0), twice(5.0))"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in unset}
        | {"PYTHONPATH": str(folder), "HOME": str(nowhere)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "18.0 30.0\n"
    assert done.stderr.count("compiled in memory") == 1
    assert "set NUMBA_CACHE_DIR to a folder that can be written" in done.stderr


def test_a_folder_that_can_no_longer_be_written_ends_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kernels"))
    compilation._tell_of_memory.cache_clear()

    @kernel
    def double(x: float) -> float:
        return 2.0 * x

    assert double(True) == 2.0
    shutil.rmtree(tmp_path / "kernels")
    (tmp_path / "kernels").touch()
    with pytest.warns(compilation.CacheWarning, match="compiled in memory"):
        assert double(2.0) == 4.0
    assert double(3) == 6.0  # another kind of argument, and no word more
    compilation._tell_of_memory.cache_clear()


def _scaled(x: float, factor: int) -> float:
    if x < 0.0:
        raise ValueError("x is negative", x)
    return factor * x


_inner = kernel(_scaled)


def _six_times(x: float) -> float:
    return _inner(x, 1) + _inner(x, 2) + _inner(x, 3)


def _less_one(x: float) -> float:
    return _inner(x, 1) - 1.0


@contextmanager
def compiled() -> Iterator[list[str]]:
    """The names of what is compiled, in the order of its beginning."""
    record, names = event.RecordingListener(), list[str]()
    with event.install_listener("numba:compile", record):
        yield names
    names += [item.data["dispatcher"].__name__ for _, item in record.buffer if item.is_start]


@pytest.fixture
def inner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Makes what the kernels above call, as another process would find it on disk."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kernels"))

    def make() -> Any:
        made = kernel(_scaled)
        monkeypatch.setitem(globals(), "_inner", made)
        return made

    return make


def test_what_kernels_call_is_their_part_until_python_calls_it(inner: Callable[[], Any]) -> None:
    first = inner()
    with compiled() as names:
        assert kernel(_six_times)(2.0) == 12.0
    assert names == ["_six_times", "_scaled"]  # once, whatever the literals that it is called with
    assert first.signatures == []
    with compiled() as names:
        assert first(2.0, 5) == 10.0
        assert kernel(_less_one)(2.0) == 1.0
    assert names == ["_scaled", "_less_one"]
    assert len(first.signatures) == 1


def test_parts_are_kept_for_other_callers(inner: Callable[[], Any]) -> None:
    inner()
    kernel(_six_times)(2.0)
    inner()
    with compiled() as names:
        assert kernel(_less_one)(2.0) == 1.0
        assert kernel(_six_times)(2.0) == 12.0
    assert names == ["_less_one"]
    second = inner()
    with compiled() as names:
        assert second(2.0, 5) == 10.0
    assert names == ["_scaled"]  # the part that lies there has no machine code


def test_an_error_in_a_part_reaches_python(inner: Callable[[], Any]) -> None:
    inner()
    for _ in range(2):  # compiled, and taken from disk
        with pytest.raises(ValueError, match=r"^\('x is negative', -2.0\)$"):
            kernel(_six_times)(-2.0)
        inner()


def test_kernels_jump_to_one_machine_code_which_is_there_before_they_are_taken_from_disk(
    tmp_path: Path,
) -> None:
    folder = clone(tmp_path / "project", 3.0)
    callee = folder / "alo_lib" / "callee" / "callee.py"
    callee.write_text(callee.read_text().replace("import kernel", "import jumped_kernel").replace("@k", "@jumped_k"))
    caller = folder / "alo_lib" / "caller" / "caller.py"
    caller.write_text(caller.read_text() + "\n\n@kernel\ndef thrice(x):\n    return twice(x) + once(x)\n")
    code = (
        "from numba.core import event; record = event.RecordingListener()\n"
        "with event.install_listener('numba:compile', record):\n"
        "    from alo_lib.callee.callee import once\n"
        "    from alo_lib.caller.caller import thrice, twice\n"
        "    print(thrice(5.0), twice(5.0), once(5.0))\n"
        "print(sorted(item.data['dispatcher'].__name__ for _, item in record.buffer if item.is_start))"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def told() -> list[str]:
        command = [sys.executable, "-P", "-c", code]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert told() == ["45.0 30.0 15.0", "['once', 'once', 'thrice', 'twice', 'twice']"]  # as a part, and for Python
    assert told() == ["45.0 30.0 15.0", "[]"]
    for kept in (tmp_path / "cache").rglob("*once*"):
        kept.unlink()
    assert told() == ["45.0 30.0 15.0", "['once', 'once']"]  # others find it by its name all the same


def test_the_python_original_stays_callable() -> None:
    @kernel
    def double(x: float) -> float:
        return 2.0 * x

    assert python_original(double)(2.0) == double(2.0) == 4.0
    assert python_original(len) is len


def test_without_compilation_a_kernel_is_its_function() -> None:
    code = "from alo_lib.numerics.compilation import kernel\ndef f(x): return x\nassert kernel(f) is f"
    subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(LIBRARY.parent), "NUMBA_DISABLE_JIT": "1"},
        check=True,
    )


class _Pair(NamedTuple):
    first: Any
    second: Any


def _of_both(pair: _Pair, i: int) -> float:
    row = pair.first[i]
    return float(row[0] * pair.second[i])


def _of_swapped(pair: _Pair, i: int) -> float:
    swapped = _Pair(pair.second, pair.first)
    return float(swapped.first[i])


def _chosen(pair: _Pair, second: bool) -> Any:
    return pair.second if second else pair.first[0]


def _sum_of_chosen(pair: _Pair) -> float:
    total = 0.0
    for i in range(3):
        total += _chosen(pair, i == 1)[0]
    return total


def _copied(pair: _Pair) -> None:
    pair.first[0] = pair.second


def _picked(pair: _Pair, which: Any) -> float:
    return float(pair.second[which][0])


@pytest.mark.parametrize(
    ("function", "arguments", "result", "counts"),
    [
        (_of_both, (1,), 8.0, []),
        (_of_swapped, (1,), 4.0, []),
        (_sum_of_chosen, (), 5.0, ["_chosen", "_sum_of_chosen"]),
        (_copied, (), None, ["_copied"]),
        (_picked, (np.array([1, 0]),), 4.0, ["_picked"]),
    ],
)
def test_only_kernels_that_make_arrays_count_references(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    result: float | None,
    counts: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what is counted comes out even, so that nothing is kept nor given back too early."""
    counted = list[str]()
    decide = BorrowArrays.run_pass

    def told(self: BorrowArrays, state: Any) -> bool:
        changed = decide(self, state)
        counted.extend([state.func_id.func_name] if state.targetctx.enable_nrt else [])
        return changed

    monkeypatch.setattr(BorrowArrays, "run_pass", told)
    monkeypatch.setitem(globals(), "_chosen", kernel(_chosen))
    pair = _Pair(np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([3.0, 4.0]))
    owners = [sys.getrefcount(each) for each in pair]
    compiled_function = kernel(function)
    for _ in range(2):
        assert compiled_function(pair, *arguments) == result
    assert counted == counts
    assert [sys.getrefcount(each) for each in pair] == owners


def test_python_collects_again_once_a_kernel_is_compiled() -> None:
    @kernel
    def double(x: float) -> float:
        return 2.0 * x

    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            assert double(3.0 if enabled else 3) == 6.0
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


def test_no_kernel_has_what_its_pipeline_has_no_pass_for() -> None:
    """A function or a with-block of its own, which numba would refuse in the middle of a run."""
    functions = ast.FunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    found, kernels = [], 0
    for path in sorted(LIBRARY.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and {"kernel", "jumped_kernel"} & set(
                map(ast.unparse, node.decorator_list)
            ):
                kernels += 1
                inner = (each for each in ast.walk(node) if each is not node)
                found += [f"{path.name}:{each.lineno}" for each in inner if isinstance(each, functions | ast.With)]
    assert kernels > 100
    assert found == []
