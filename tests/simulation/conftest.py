"""The small market, written once, and a copy of it for a test that damages it."""

from pathlib import Path

import pytest

from tests.simulation import damaged, tiny


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With hour bars beside its minutes; nobody writes into it."""
    return tiny.with_hours(tiny.write(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return damaged.copy(whole, tmp_path / "data")
