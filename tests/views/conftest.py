"""Two runs that many tests read."""

import pytest

from tests.views import kit


@pytest.fixture
def traded(tmp_path):
    return kit.run_of(tmp_path / "traded", kit.traded_messages())


@pytest.fixture
def quiet(tmp_path):
    return kit.run_of(tmp_path / "quiet", kit.quiet_messages())
