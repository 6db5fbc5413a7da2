"""The files that LEAN's command line rewrites at each backtest are shipped as it writes them."""

import datetime as dt
import json

from alo_lib.cli.project import ROOT

LOCAL = {"id": "Local", "data-provider": "QuantConnect.Lean.Engine.DataFeeds.DefaultDataProvider"}
"""What its data provider of that name, the one that it takes by itself, sets in lean.json."""


def test_lean_json_is_what_the_command_would_write():
    """It sets its data provider's values and writes the whole file, indented by four, without an end of line."""
    text = (ROOT / "lean.json").read_text()
    content = json.loads(text)
    assert text == json.dumps(content | LOCAL, indent=4)
    day = dt.datetime.strptime(content["file-database-last-update"], "%m/%d/%Y %H:%M:%S")
    assert day.year == 2099  # no databases are fetched before


def test_config_json_has_the_number_that_the_command_would_draw():
    assert 100_000_000 <= json.loads((ROOT / "config.json").read_text())["local-id"] <= 999_999_999
