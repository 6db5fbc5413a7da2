import datetime as dt
from pathlib import Path

import pytest

from alo_lib.settings import Parameters, Settings, SettingsError


def test_later_sources_win_and_dashes_are_names() -> None:
    settings = Settings.of({"vega-budget": "0.001", "underlyings": "goog, aapl"}, {"vega_budget": 0.002})
    assert settings.vega_budget == 0.002
    assert settings.underlyings == ("GOOG", "AAPL")


def test_every_number_may_be_written_as_people_do() -> None:
    written = {"cash": "1,000,000", "entry-edge": "2 %", "max-margin": "50%", "garch_history": "1_250"}
    settings = Settings.of(written)
    assert Settings.of(written | {"cash": "1_000_000"}) == Settings.of(written | {"cash": "1000000"}) == settings
    assert (settings.cash, settings.entry_edge, settings.max_margin) == (1e6, 0.02, 0.5)
    assert settings.garch_history == 1250
    assert isinstance(settings.garch_history, int)
    for name, field in Settings.model_fields.items():
        value = getattr(Settings(), name)
        if field.annotation is float:
            assert getattr(Settings.of({name: f"{value * 100:.12g} %"}), name) == pytest.approx(value, rel=1e-12)
        elif field.annotation is int:  # what is counted has no percent
            assert getattr(Settings.of({name: f"{value:,}"}), name) == value
            with pytest.raises(SettingsError, match="allowed: a whole number"):
                Settings.of({name: f"{value * 100} %"})


@pytest.mark.parametrize(("exit_edge", "shown"), [("2%", "0.02"), ("0.05", "0.05")])
def test_a_trade_that_ends_where_it_begins_is_warned_of(exit_edge: str, shown: str) -> None:
    (warning,) = Settings.of({"exit-edge": exit_edge, "entry-edge": "0.02"}).warnings
    assert warning.startswith(f"exit-edge {shown} is not below entry-edge 0.02: a trade can end as soon as")
    assert Settings.of({"exit-edge": "0.0199", "entry-edge": "0.02"}).warnings == ()
    assert Settings().warnings == ()


@pytest.mark.parametrize(
    ("hedge", "name", "value", "rules"),
    [
        ("minimum_variance", "hedge-band", "0.03", "delta_band"),
        ("delta_band", "risk-aversion", "500.0", "whalley_wilmott or minimum_variance"),
        ("whalley_wilmott", "skew-stickiness", "1.0", "minimum_variance"),
        ("minimum_variance", "policy", "mine.json", "policy"),
    ],
)
def test_a_setting_of_another_hedge_is_told_of(hedge: str, name: str, value: str, rules: str) -> None:
    (warning,) = Settings.of({"hedge": hedge, name: value}).warnings
    assert warning == f"{name} {value} does nothing with hedge {hedge}: it is for {rules}"
    assert (
        Settings.of(
            {"hedge": rules.split()[0], "policy": "mine.json" if rules == "policy" else "", name: value}
        ).warnings
        == ()
    )


def test_settings_survive_their_json() -> None:
    settings = Settings.of({"start": "2015-12-24", "end": "2015-12-24", "resolution": "hour"})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.bar_nanoseconds == 3600 * 10**9
    assert settings.frame_nanoseconds == 10**7


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vega_bugdet": 1}, "unknown setting 'vega-bugdet'; did you mean vega-budget?"),
        ({"ENTRY-EDGE": 1}, "unknown setting 'ENTRY-EDGE'; did you mean entry-edge?"),
        ({"Vega Budget": 1}, "unknown setting 'Vega Budget'; did you mean vega-budget?"),
        ({"greed": 1}, "unknown setting 'greed'; the settings are account, band-penalty, basket, borrow-fee"),
        ({"vega_budget": 9}, "setting vega-budget is 9; allowed: a number above 0 up to 0.05"),
        ({"vega_budget": "9"}, "setting vega-budget is '9'; allowed: a number above 0 up to 0.05"),
        ({"strangle_delta": "50%"}, "setting strangle-delta is '50%'; allowed: a number above 0.02 and below 0.5"),
        ({"entry-edge": "nan"}, "setting entry-edge is 'nan'; allowed: a number from -1 up to 1"),
        ({"entry-edge": float("nan")}, "setting entry-edge is nan; allowed: a number from -1 up to 1"),
        ({"max-structures": "1.5"}, "setting max-structures is '1.5'; allowed: a whole number from 1 up to 50"),
        (
            {"structures": "straddle,butterfly"},
            "setting structures is 'straddle,butterfly'; allowed: one or more of straddle, strangle, iron-butterfly, ",
        ),
        ({"structures": " "}, "setting structures is ' '; allowed: one or more of straddle, "),
        ({"structures": "single,single"}, "setting structures: single,single names a structure twice"),
        ({"structure": "strangle"}, "unknown setting 'structure'; did you mean structures?"),
        ({"resolution": "daily"}, "setting resolution is 'daily'; allowed: minute or hour"),
        ({"refit_on_change": "maybe"}, "setting refit-on-change is 'maybe'; allowed: true or false"),
        *(
            (
                {"core_process": name},
                f"setting core-process is {name!r}; allowed: up to 32 letters, digits and _, the first no digit; or "
                "nothing",
            )
            for name in ("a b", "../x", "a/b", "a\nb", "é", "1a", "a" * 33)
        ),
        ({"start": "24-12-2015"}, "setting start is '24-12-2015'; allowed: a day as yyyy-mm-dd, such as 2024-01-31"),
        ({"start": "0001-01-01"}, "such as 2024-01-31, from 1970-01-02 to 2050-12-31"),
        (
            {"end": "9999-12-31"},
            "setting end is '9999-12-31'; allowed: a day as yyyy-mm-dd, such as 2024-01-31, from 1970",
        ),
        ({"start": "20140606"}, "setting start is '20140606'; allowed: a day as yyyy-mm-dd"),
        ({"start": 20140606}, "setting start is 20140606; allowed: a day as yyyy-mm-dd"),
        ({"start": "2024-02-01", "end": "2024-01-31"}, "start 2024-02-01 must not be above end 2024-01-31"),
        ({"min-days-to-expiry": "500"}, "min-days-to-expiry 500 must not be above max-days-to-expiry 120"),
        (
            {"underlyings": "A,B,C", "max-contracts": "5"},
            "max-contracts 5 is too few for underlyings A,B,C: each needs 2, a call and a put",
        ),
        ({"underlyings": "GOOG,GOOG"}, "GOOG,GOOG names a ticker twice"),
        ({"underlyings": "GO OG"}, "'GO OG' is no ticker"),
        ({"underlyings": "ABCDEFG"}, "ABCDEFG has more than the 6 characters that an option's symbol keeps"),
        ({"underlyings": ""}, "setting underlyings is ''; allowed: tickers separated by commas, such as GOOG,BRK.B"),
        ({"cash": "much"}, "setting cash is 'much'; allowed: a number from 1 up to 1,000,000,000,000"),
        ({"max-structures": "200%"}, "setting max-structures is '200%'; allowed: a whole number from 1 up to 50"),
        ({"cash": "1e300"}, "setting cash is '1e300'; allowed: a number from 1 up to 1,000,000,000,000"),
    ],
)
def test_bad_settings_are_one_sentence(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.of(values)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200 or "did you mean" not in message  # the list is for what is like no setting


@pytest.mark.parametrize(
    ("in_file", "typed", "message"),
    [
        ({"strat": "1"}, {}, "unknown setting 'strat' in config.json; did you mean start?"),
        ({"cash": "much"}, {}, "setting cash in config.json is 'much'; allowed: a number from 1 up to"),
        ({"cash": "much"}, {"cash": "more"}, "setting cash is 'more'; allowed: a number from 1 up to"),
        ({"underlyings": "A,A"}, {}, "setting underlyings in config.json: A,A names a ticker twice"),
        ({"underlyings": "A,A"}, {"underlyings": "B,B"}, "setting underlyings: B,B names a ticker twice"),
        (
            {"start": "2024-01-02", "end": "2024-01-31"},
            {"start": "2024-03-01"},
            "setting start 2024-03-01 must not be above end 2024-01-31 in config.json",
        ),
        (
            {"start": "2024-02-01"},
            {},
            "setting start 2024-02-01 in config.json must not be above end 2024-01-31 (its default)",
        ),
    ],
)
def test_what_a_file_gives_is_told_apart_from_what_was_typed(
    in_file: dict[str, str], typed: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.of(Parameters(in_file, file="config.json"), typed)
    assert str(raised.value).startswith(message)


def test_tickers_and_days_in_a_sentence_are_named_with_the_file_that_gives_them() -> None:
    given = Parameters({"underlyings": "ALFA,BF.B", "start": "2024-01-02", "end": "2024-01-31"}, file="config.json")
    typed = {"end": "2024-02-29"}
    settings = Settings.of(given, typed)
    for sentence, note in (
        ("ALFA has no bars from 2024-01-02 to 2024-02-29", " (in config.json: underlyings ALFA, start 2024-01-02)"),
        ("BF.B, ALFA: nothing", " (in config.json: underlyings ALFA,BF.B)"),
        ("ALFAX, BF.BX and xALFA on 2024-01-020, 12024-01-02", ""),
        ("the rate file is damaged", ""),
    ):
        assert settings.named_with_files(sentence, given, typed) == sentence + note


def test_parameters_come_from_config_json(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    assert Settings.parameters_of(config) == {}
    config.write_text('{"parameters": {"start": "2024-01-05"}}')
    assert Settings.of(Settings.parameters_of(config)).start == dt.date(2024, 1, 5)
    for text, message in (("{", "is not JSON"), ('{"parameters": 3}', "must be an object"), ("[]", "JSON")):
        config.write_text(text)
        with pytest.raises(SettingsError, match=message):
            Settings.parameters_of(config)


def test_every_number_says_what_it_counts() -> None:
    for name, field in Settings.model_fields.items():
        assert bool(Settings.unit_of(name)) is (field.annotation in (int, float)), name
    assert Settings.unit_of("max_holding_days") == "calendar days"
    assert Settings.unit_of("cash") == "$"
