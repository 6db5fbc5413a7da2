"""The stamps of cached kernels: a kernel must not outlive a change of what it calls."""

import os
from pathlib import Path

import pytest

from alo_lib.numerics import compilation
from alo_lib.numerics.compilation import kernel, python_original


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three packages, the first importing the second and that the third; a fourth that nobody imports."""
    folder = tmp_path / "alo_lib"
    for name, imported in (("upper", "middle"), ("middle", "lower"), ("lower", ""), ("other", "upper")):
        (folder / name).mkdir(parents=True)
        line = f"from alo_lib.{imported} import f\n" if imported else ""
        (folder / name / "module.py").write_text(line, encoding="utf-8")
    monkeypatch.setattr(compilation, "_LIBRARY", folder)
    return folder


def stamp(library: Path) -> object:
    for cached in (compilation._modules, compilation._imported, compilation._sources):
        cached.cache_clear()
    return compilation._sources(library / "upper")


@pytest.mark.parametrize(("package", "counts"), [("upper", True), ("middle", True), ("lower", True), ("other", False)])
def test_a_stamp_covers_all_that_a_package_imports(library: Path, package: str, counts: bool) -> None:
    before = stamp(library)
    assert stamp(library) == before
    module = library / package / "module.py"
    os.utime(module, ns=(1, 1))
    assert (stamp(library) != before) == counts


def test_kernels_of_the_pricer_are_stamped_with_the_numerics() -> None:
    folder = Path(compilation.__file__).resolve().parents[1] / "pricing"
    compilation._imported.cache_clear()
    compilation._sources.cache_clear()
    names = [name for name, _ in compilation._sources(folder)]  # type: ignore[misc]
    assert names == ["numerics", "pricing"]


def test_the_python_original_stays_callable() -> None:
    @kernel
    def double(x: float) -> float:
        return 2.0 * x

    assert python_original(double)(2.0) == double(2.0) == 4.0
    assert python_original(len) is len
