import datetime as dt
from pathlib import Path

import pytest

from alo_lib.settings import Settings, SettingsError


def test_later_sources_win_and_dashes_are_names() -> None:
    settings = Settings.of({"vega-budget": "0.001", "underlyings": "goog, aapl"}, {"vega_budget": 0.002})
    assert settings.vega_budget == 0.002
    assert settings.underlyings == ("GOOG", "AAPL")


def test_settings_survive_their_json() -> None:
    settings = Settings.of({"start": "2015-12-24", "end": "2015-12-24", "resolution": "hour"})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.bar_nanoseconds == 3600 * 10**9
    assert settings.frame_nanoseconds == 10**7


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vega_bugdet": 1}, "unknown setting 'vega_bugdet' (did you mean vega_budget?); the settings are b"),
        ({"greed": 1}, "unknown setting 'greed'; the settings are borrow_fee, calibration_frames, cash"),
        ({"vega_budget": 9}, "setting vega_budget = 9: input should be less than or equal to 0.05"),
        ({"structure": "butterfly"}, "setting structure = 'butterfly': input should be 'straddle' or 'strangle'"),
        ({"resolution": "daily"}, "setting resolution = 'daily': input should be 'minute' or 'hour'"),
        ({"start": "24-12-2015"}, "setting start = '24-12-2015'"),
        ({"start": "2024-02-01", "end": "2024-01-31"}, "start 2024-02-01 must not be above end 2024-01-31"),
        ({"underlyings": "GOOG,GOOG"}, "GOOG,GOOG names a ticker twice"),
        ({"underlyings": "GO OG"}, "'GO OG' is not a ticker"),
        ({"underlyings": ""}, "setting underlyings"),
        ({"cash": "much"}, "setting cash = 'much': input should be a valid number"),
    ],
)
def test_bad_settings_are_one_sentence(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.of(values)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_parameters_come_from_config_json(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    assert Settings.parameters_of(config) == {}
    config.write_text('{"parameters": {"start": "2024-01-05"}}')
    assert Settings.of(Settings.parameters_of(config)).start == dt.date(2024, 1, 5)
    for text, message in (("{", "is not a JSON object"), ('{"parameters": 3}', "must be an object"), ("[]", "JSON")):
        config.write_text(text)
        with pytest.raises(SettingsError, match=message):
            Settings.parameters_of(config)
