import csv
import errno
import json
import re
import shutil
import time
import zipfile

import pytest

from alo_lib.cli.failures import RunFailedError
from alo_lib.cli.fingerprint import files_in_range, fingerprint
from alo_lib.market import DataError
from alo_lib.settings import Settings
from alo_lib.views import Run
from tests.sampled import sampled
from tests.views import kit

PROMISED = {
    "engine",
    "start",
    "end",
    "orders",
    "fills",
    "net_profit",
    "fees",
    "interest",
    "borrow",
    "order_digest",
    "journal_digest",
    "skipped",
    "left_out",
    "missing_files",
    "coverage",
    "rows",
    "warnings",
    "held_without_quotes",
    "funnel",
    "funnel_total",
    "wall_seconds",
    "results_folder",
}


def _sentence(outcome):
    assert outcome.status == 2
    assert outcome.out == ""
    last = outcome.err.splitlines()[-1]
    assert last.startswith("alo: ")
    assert "Traceback" not in outcome.err
    return last


def test_json_is_one_object_and_all_else_goes_to_standard_error(backtest, tmp_path):
    outcome = backtest("--json")
    assert outcome.status == 0
    assert outcome.out.count("\n") == 1
    summary = json.loads(outcome.out)
    assert set(summary) >= PROMISED
    assert summary["engine"] == "embedded"
    assert (summary["start"], summary["end"]) == ("2024-01-02", "2024-01-03")
    assert summary["skipped"] == {"crossed quote": 2}
    assert "Engine: embedded" in outcome.err
    assert Run(tmp_path / summary["results_folder"]).about["summary"] == summary


def test_people_get_a_table_and_the_report(backtest, tmp_path):
    outcome = backtest()
    assert outcome.status == 0
    assert re.search(r"Net profit\s+184.40", outcome.out)
    assert re.search(r"Vega\s+-60.00", outcome.out)
    assert "crossed quote: 2" in outcome.out
    report = tmp_path / outcome.out.splitlines()[-1].removeprefix("Report: ")
    assert report.read_text().startswith("<!doctype html>")


def test_the_folder_of_a_run_explains_itself(backtest, tmp_path):
    folder = tmp_path / json.loads(backtest("--json", "--set", "entry-edge=0.03").out)["results_folder"]
    assert re.fullmatch(r"\d{8}-\d{6}-embedded", folder.name)
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "README.txt",
        "run.json",
        "settings.json",
        "data.json",
        "faults.json",
        "coverage.json",
        "metrics.prom",
    }
    assert names >= {
        "orders.csv",
        "trades.csv",
        "sessions.csv",
        "volatilities.csv",
        "forecasts.csv",
        "regimes.csv",
        "journal",
        "report.html",
        "plotly.min.js",
        "alo-log.txt",
        "alo.json",
        "alo-summary.json",
    }
    told = (folder / "README.txt").read_text()
    assert all(name in told for name in names if name.endswith((".csv", ".html", ".js", ".prom")))
    assert json.loads((folder / "settings.json").read_text())["entry_edge"] == 0.03
    about = json.loads((folder / "run.json").read_text())
    assert round(sum(about["summary"]["attribution"]["parts"].values()), 2) == about["summary"]["net_profit"]
    assert set(about["versions"]) >= {"python", "numpy", "numba"}
    assert json.loads((folder / "faults.json").read_text())["first"] == ["equity.zip#a.csv:3: crossed quote"]
    with (folder / "orders.csv").open() as file:
        orders = list(csv.DictReader(file))
    assert len(orders) == 6
    assert orders[0] | {"utc": "", "time": ""} == {
        "symbol": "ALFA  240216P00100000",
        "time": "",
        "utc": "",
        "type": "market",
        "side": "sell",
        "quantity": "2",
        "filled": "2",
        "price": "1.9000",
        "fee": "2.0000",
        "status": "filled",
        "tag": "entry",
    }
    assert 'alo_orders_total{engine="embedded",status="filled"} 6.0' in (folder / "metrics.prom").read_text()


def test_runs_in_the_same_second_get_folders_of_their_own(backtest, tmp_path, monkeypatch):
    import datetime as dt

    class Frozen(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2024, 2, 1, 12, 0, 0, tzinfo=tz)

    monkeypatch.setattr("alo_lib.cli.backtesting.dt.datetime", Frozen)
    for _ in range(2):
        assert backtest().status == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert names == ["20240201-120000-embedded", "20240201-120000-embedded-2"]


def test_a_run_without_orders_ends_well(backtest, engine):
    engine.messages = kit.quiet_messages()
    summary = json.loads(backtest("--json").out)
    assert (summary["orders"], summary["fees"]) == (0, 0)


def test_settings_come_from_the_project_and_then_the_command_line(backtest, engine):
    assert backtest("--cash", "5000", "--set", "max-structures = 7", "--underlying", "brvo").status == 0
    assert engine.settings.cash == 5000
    assert engine.settings.max_structures == 7
    assert engine.settings.underlyings == ("ALFA", "BRVO")
    assert engine.settings.resolution == "minute"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "edge=1"), "unknown setting 'edge'"),
        (("--set", "entry-edge=high"), "setting entry-edge is 'high'; allowed: a number from -1 up to 1"),
        (("--set", "entry-edge=7"), "setting entry-edge is '7'; allowed"),
        (("--set", "entry-edge"), "'entry-edge' is not NAME=VALUE"),
        (("--start", "2024-02-01"), "start 2024-02-01 must not be above end 2024-01-03"),
        (("--start", "yesterday"), "setting start is 'yesterday'; allowed: a day as yyyy-mm-dd"),
        (("--start", "0001-01-01"), "setting start is '0001-01-01'; allowed: a day as yyyy-mm-dd"),
        (("--start", "0001-01-01", "--end", "9999-12-31"), "from 1970-01-02 to 2050-12-31"),
        (("--start", "1970-01-02", "--end", "1970-01-31"), "ALFA has no minute bars from 1970-01-02 to 1970-01-31"),
        (("--cash", "-5"), "setting cash is '-5'; allowed: a number from 1"),
        (("--resolution", "tick"), "setting resolution is 'tick'; allowed: minute or hour"),
        (("--data", "/nowhere"), "there is no data folder at /nowhere"),
        (("--start", "2020-01-02", "--end", "2020-01-03"), "ALFA has no minute bars from 2020-01-02 to 2020-01-03"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_one_sentence(backtest, tmp_path, arguments, words):
    assert words in _sentence(backtest(*arguments))
    runs = tmp_path / "runs"
    assert not runs.exists() or list(runs.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "note"),
    [
        ((), " (in config.json: underlyings ALFA, start 2020-01-02, end 2020-01-03)"),
        (("--end", "2020-01-03"), " (in config.json: underlyings ALFA, start 2020-01-02)"),
        (("--underlying", "ALFA", "--start", "2020-01-02", "--end", "2020-01-03"), ""),
    ],
)
def test_what_data_refuse_is_told_with_the_file_that_it_stands_in(
    run, small_market, engine, tmp_path, monkeypatch, typed, note
):
    given = {"underlyings": "ALFA", "start": "2020-01-02", "end": "2020-01-03"}
    (tmp_path / "config.json").write_text(json.dumps({"parameters": given}))
    monkeypatch.setattr("alo_lib.cli.commands.backtest.CONFIG", tmp_path / "config.json")
    told = _sentence(run("backtest", "--data", small_market, "--output", tmp_path / "runs", *typed))
    assert "ALFA has no minute bars from 2020-01-02 to 2020-01-03" in told
    assert (told.endswith(note), told.count("config.json")) == (True, bool(note))


def test_an_unknown_underlying_is_named(run, small_market, engine, tmp_path):
    outcome = run(
        *("backtest", "--data", small_market, "--underlying", "ZZZ", "--output", tmp_path / "runs"),
        *("--start", "2024-01-02", "--end", "2024-01-03"),
    )
    assert "ZZZ has no minute bars" in _sentence(outcome)


def test_an_empty_data_folder_is_told_apart_from_a_missing_one(backtest, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "is empty" in _sentence(backtest("--data", tmp_path / "empty"))


def test_results_that_cannot_be_written_are_found_out_before_the_run(backtest, engine, tmp_path):
    (tmp_path / "file").write_text("")
    assert "results cannot be written to" in _sentence(backtest("--output", tmp_path / "file" / "runs"))
    assert engine.settings is None


def test_a_full_disk_is_one_sentence_and_leaves_nothing(backtest, engine, tmp_path):
    engine.failure = OSError(errno.ENOSPC, "No space left on device")
    assert _sentence(backtest()).endswith("No space left on device")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_failed_engine_leaves_a_folder_that_looks_unfinished(backtest, engine, tmp_path):
    engine.failure = RunFailedError("the algorithm failed in LEAN: no luck")
    outcome = backtest("--json")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.err.endswith("alo: the algorithm failed in LEAN: no luck\n")
    (left,) = (tmp_path / "runs").iterdir()
    assert left.name.endswith("-embedded.partial")
    assert "is not the folder of a finished run" in backtest_report(left)


def backtest_report(folder):
    from alo_lib.views import RunError, report_html

    with pytest.raises(RunError) as error:
        report_html(Run(folder))
    return str(error.value)


def test_an_engine_that_is_not_there_is_told(run, small_market, monkeypatch, tmp_path):
    monkeypatch.setenv("LEAN_HOME", str(tmp_path))
    outcome = run("backtest", "--engine", "native", "--data", small_market)
    assert "which holds no QuantConnect.Lean.Launcher.dll" in _sentence(outcome)
    monkeypatch.setenv("PATH", "")
    assert "no lean command" in _sentence(run("backtest", "--engine", "docker", "--data", small_market))


def test_settings_are_listed_with_their_values(run):
    outcome = run("backtest", "--settings", "--set", "entry-edge=0.035")
    assert outcome.status == 0
    rows = dict(re.findall(r"^([a-z][a-z-]+) {2,}(\S.*)$", outcome.out, re.MULTILINE))
    assert re.match(r"0\.035 +volatility; 0\.01 is a point +a number from -1 up to 1 ", rows["entry-edge"])
    assert re.match(r"both +both or long or short ", rows["direction"])
    assert re.match(r"straddle +one or more of straddle, strangle, ", rows["structures"])
    assert re.match(r"minute +minute or hour ", rows["resolution"])
    assert all(name.replace("_", "-") in outcome.out for name in Settings.model_fields)


def test_settings_are_told_to_their_ends_in_a_narrow_terminal(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal, which has a width
    monkeypatch.setenv("COLUMNS", "80")
    assert "…" not in run("backtest", "--settings").out


def test_the_log_is_shown_when_asked_for(backtest):
    lines = [line for line in backtest("--verbose", "--log-format", "json").err.splitlines() if line.startswith("{")]
    assert [json.loads(line)["message"] for line in lines] == [
        "run begins",
        "engine ended",
        "data left out",
        "run ends",
    ]
    assert "run begins" not in backtest().err


def test_the_report_is_drawn_again_from_the_folder_alone(backtest, run, tmp_path):
    folder = tmp_path / json.loads(backtest("--json").out)["results_folder"]
    first = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert run("report", folder).status == 0
    assert (folder / "report.html").read_text() == first
    assert run("report", folder, "--html", tmp_path / "elsewhere.html").status == 0
    elsewhere = (tmp_path / "elsewhere.html").read_text()
    assert "src=" in first
    assert first.split("</main>")[0] == elsewhere.split("</main>")[0]
    assert len(elsewhere) > len(first) + len((folder / "plotly.min.js").read_text()) - 100


def test_a_report_needs_a_finished_run(run, tmp_path):
    assert "is not a folder" in _sentence(run("report", tmp_path / "none"))
    (tmp_path / "some").mkdir()
    assert "is not the folder of a finished run" in _sentence(run("report", tmp_path / "some"))


def test_the_fingerprint_covers_what_a_run_reads(small_market):
    settings = Settings.of({"underlyings": "ALFA", "start": "2024-01-02", "end": "2024-01-02"})
    files = files_in_range(small_market, settings)
    names = {path.relative_to(small_market).as_posix() for path in files}
    assert names >= {
        "equity/usa/daily/alfa.zip",
        "equity/usa/factor_files/alfa.csv",
        "equity/usa/map_files/alfa.csv",
        "equity/usa/minute/alfa/20240102_quote.zip",
        "equity/usa/minute/alfa/20240102_trade.zip",
        "market-hours/market-hours-database.json",
        "option/usa/minute/alfa/20240102_quote_american.zip",
    }
    assert any(name.startswith("option/usa/universes/alfa/") for name in names)
    assert not any("brvo" in name or "20240103" in name for name in names)
    first = fingerprint(small_market, files)
    assert first == fingerprint(small_market, files)
    assert first["digest"] != fingerprint(small_market, files[1:])["digest"]


def test_the_fingerprint_names_the_universes_that_sessions_are_offered(small_market):
    settings = Settings.of({"underlyings": "ALFA", "start": "2024-01-02", "end": "2024-01-02"})
    files = [path.name for path in files_in_range(small_market, settings) if path.parent.parent.name == "universes"]
    assert files == ["20231229.csv", "20240102.csv"]  # of the session before the first, and of those that are run


def test_no_engine_is_started_over_data_that_carries_no_result(backtest, engine, monkeypatch, tmp_path):
    def refuse(settings, data):
        raise DataError("ALFA has no option quotes")

    monkeypatch.setattr("alo_lib.simulation.require_data", refuse)
    assert _sentence(backtest()) == "alo: ALFA has no option quotes"
    assert engine.settings is None
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_embedded_engine_gives_the_same_bytes_twice(run, small_market, tmp_path):
    asked = ("backtest", "--data", small_market, "--start", "2024-01-02", "--end", "2024-01-03")
    first, second = (json.loads(run(*asked, "--output", tmp_path / "runs", "--json").out) for _ in range(2))
    for name in ("order_digest", "journal_digest", "orders", "net_profit", "fees", "exposure"):
        assert first[name] == second[name]
    reports = [(tmp_path / summary["results_folder"] / "orders.csv").read_bytes() for summary in (first, second)]
    assert reports[0] == reports[1]


def _quotes(data, ticker="alfa"):
    return data / "option" / "usa" / "minute" / ticker / "20240102_quote_american.zip"


def _truncated(data):
    path = data / "equity" / "usa" / "minute" / "alfa" / "20240102_quote.zip"
    path.write_bytes(path.read_bytes()[:-40])


def _with_row(row):
    def edit(data):
        path = _quotes(data)
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name).decode() for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in entries.items():
                good, *others = text.splitlines(keepends=True)
                archive.writestr(entry, good + "".join(map(row, others)))

    return edit


def _crossed(line):
    fields = line.split(",")
    fields[1:5] = ["99990000"] * 4
    return ",".join(fields)


@pytest.mark.parametrize(
    ("damage", "kind"),
    sampled(
        [
            (_truncated, "corrupt archive"),
            (_with_row(lambda line: line.replace("\n", ",7\n")), "wrong column count"),
            (_with_row(_crossed), "crossed quote"),
            (_with_row(lambda line: line.replace(",", ",-", 1)), "negative value"),
            (_with_row(lambda line: line + line), "duplicate time or key"),
        ],
        every=2,
    ),
)
def test_damaged_data_is_left_out_and_told(run, small_market, tmp_path, damage, kind):
    data = tmp_path / "damaged"
    shutil.copytree(small_market, data)
    damage(data)
    outcome = run(
        *("backtest", "--data", data, "--underlying", "ALFA", "--output", tmp_path / "runs", "--json"),
        *("--start", "2024-01-02", "--end", "2024-01-02", "--set", "min-coverage=0"),
    )
    assert outcome.status == 0, outcome.err
    summary = json.loads(outcome.out)
    assert summary["skipped"].get(kind, 0) >= 1
    faults = json.loads((tmp_path / summary["results_folder"] / "faults.json").read_text())
    assert faults["counts"] == summary["skipped"]
    assert any(kind in line for line in faults["first"])
    assert kind in (tmp_path / summary["results_folder"] / "report.html").read_text()
    account = json.loads((tmp_path / summary["results_folder"] / "coverage.json").read_text())
    assert account == {name: summary[name] for name in ("coverage", "rows", "left_out", "missing_files", "warnings")}
    one_row_a_contract = kind in ("wrong column count", "crossed quote", "negative value")
    assert account["coverage"]["ALFA"]["quotes"] == (0 if one_row_a_contract else 1)
    assert account["coverage"]["ALFA"]["without_quotes"] == []
    if kind != "corrupt archive":  # most rows are bad, which is loud
        assert f"of {account['rows']['read']:,} rows {account['rows']['left_out']:,} could not be used" in outcome.err


def test_a_run_of_which_nothing_is_usable_ends_with_a_sentence(run, small_market, tmp_path):
    data = tmp_path / "damaged"
    shutil.copytree(small_market, data)
    _quotes(data).write_bytes(_quotes(data).read_bytes()[:100])
    outcome = run(
        *("backtest", "--data", data, "--underlying", "ALFA", "--output", tmp_path / "runs", "--json"),
        *("--start", "2024-01-02", "--end", "2024-01-02"),
    )
    assert "ALFA has no option quotes from 2024-01-02 to 2024-01-02" in _sentence(outcome)
    assert outcome.err.endswith("20240102_quote_american.zip: corrupt archive (it is cut off)\n")
    assert list((tmp_path / "runs").iterdir()) == []


def test_other_engines_are_named_in_one_line_and_only_where_something_was_asked_for(backtest):
    plain = backtest().err.splitlines()
    assert plain[0] == "Engine: embedded (made by hand)."
    assert not any("lso here" in line for line in plain)
    for asked in (("--engine", "embedded"), ("--verbose",)):
        lines = backtest(*asked).err.splitlines()
        assert len([line for line in lines if "Also here: " in line]) == 1
        assert len(lines[0]) < 160


def test_a_run_in_a_pipe_says_where_it_is(backtest, engine, monkeypatch):
    monkeypatch.setattr("alo_lib.cli.console.QUIET_SECONDS", 0.05)
    real = engine.run

    def slowly(settings, data, findings, folder, progress):
        progress(settings.start, 0.25)
        time.sleep(1.0)  # twenty times as long as is waited for
        return real(settings, data, findings, folder, progress)

    monkeypatch.setattr(engine, "run", slowly)
    told = backtest("--json")
    assert "2024-01-02, 25% of the run\n" in told.err
    assert json.loads(told.out)["orders"] > 0
