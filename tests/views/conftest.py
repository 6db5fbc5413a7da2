"""Two runs that many tests read, and the run of a module's own market."""

import pytest

from alo_lib.journal import JOURNAL_FOLDER
from alo_lib.views import Run
from tests.views import kit


@pytest.fixture
def traded(tmp_path):
    return kit.run_of(tmp_path / "traded", kit.traded_messages())


@pytest.fixture
def quiet(tmp_path):
    return kit.run_of(tmp_path / "quiet", kit.quiet_messages())


@pytest.fixture(scope="module")
def run(market, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    kit.write_journal(folder / JOURNAL_FOLDER, market.journal.messages)
    return Run(folder)
