"""What is measured before a run, what is said of it, and what is refused."""

import datetime as dt
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from alo_lib.market import DataError, FaultKind
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.layout import interest_rate_path
from alo_lib.market.writer import write_factor_file
from alo_lib.settings import Settings
from alo_lib.simulation import require_data
from tests.simulation import damaged, tiny

BOTH = (tiny.FIRST, tiny.SECOND)


def refusal(root: Path, **changes: object) -> str:
    with pytest.raises(DataError) as error:
        require_data(tiny.settings(**changes), root)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def on_both(file: Callable[[Path, dt.date], Path], damage: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage_all(root: Path) -> None:
        for day in BOTH:
            damage(file(root, day))

    return damage_all


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    damaged.edit_entries(path, lambda text: "".join(f"{line.split(',')[0]}{',0' * 10}\n" for line in text.splitlines()))


def bad_rows(path: Path) -> None:
    damaged.edit_entries(path, lambda text: "".join(f"{line},7\n" for line in text.splitlines()))


def garbage(path: Path) -> None:
    path.write_text("garbage,,,\n" * 3)


def universes(damage: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage_all(root: Path) -> None:
        for day in (tiny.BEFORE, tiny.FIRST):
            damage(damaged.universe(root, day))

    return damage_all


def test_a_whole_folder_is_covered(root: Path) -> None:
    findings = require_data(tiny.settings(), root)
    (one,) = findings.coverage
    assert one.told() == {"sessions": 2, "bars": 2, "quotes": 2, "universes": 2, "daily": 2, "without_quotes": []}
    assert findings.warnings == ()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (on_both(damaged.option_quotes, truncate), r"no option quotes .*20240314_quote_american.zip: corrupt archive"),
        (on_both(damaged.option_quotes, truncate), r"\(it is cut off\)"),
        (on_both(damaged.option_quotes, empty), r"corrupt archive \(it is empty\)"),
        (on_both(damaged.option_quotes, garbage), r"corrupt archive \(it is no zip archive\)"),
        (on_both(damaged.option_quotes, zeros), "no option quotes .*no row has a bid and an ask"),
        (on_both(damaged.option_quotes, bad_rows), "no option quotes .*: wrong column count"),
        (on_both(damaged.option_quotes, Path.unlink), "no option quotes .*: missing file"),
        (on_both(damaged.trades, truncate), "no minute bars .*20240314_trade.zip: corrupt archive"),
        (universes(garbage), "no option universe .*20240313.csv:1: wrong column count"),
        (universes(Path.unlink), "no option universe .*: missing file"),
        (lambda root: truncate(damaged.daily(root)), "no daily bars .*tiny.zip: corrupt archive"),
        (lambda root: bad_rows(damaged.daily(root)), "no daily bars .*: wrong column count"),
        (lambda root: damaged.daily(root).unlink(), "no daily bars .*add --set min-coverage=0"),
        (lambda root: garbage(damaged.factors(root)), "factor file of TINY cannot be read: .*tiny.csv:1"),
        (lambda root: empty(damaged.factors(root)), "factor file of TINY cannot be read: .*has no row"),
        (lambda root: garbage(damaged.history(root)), "ticker history of TINY cannot be read: .*tiny.csv:1"),
        (lambda root: garbage(interest_rate_path(root)), "interest-rate file cannot be read: "),
    ],
)
def test_what_carries_no_result_is_refused_in_one_sentence(
    root: Path, damage: Callable[[Path], object], words: str
) -> None:
    damage(root)
    sentence = refusal(root)
    assert re.search(words, sentence), sentence


def test_a_run_over_days_without_quotes_must_be_asked_for(root: Path) -> None:
    damaged.option_quotes(root, tiny.SECOND).unlink()
    sentence = refusal(root)
    assert "option quotes for 1 of 2 sessions" in sentence
    assert "(none on 2024-03-15)" in sentence
    assert "min-coverage = 0.8" in sentence
    findings = require_data(tiny.settings(min_coverage=0.5), root)
    assert findings.coverage[0].without_quotes == (tiny.SECOND,)
    assert "TINY has no option quotes on 1 of 2 sessions (2024-03-15)" in findings.warnings[0]


def test_who_asks_for_it_trades_without_daily_bars_but_not_without_quotes(root: Path) -> None:
    damaged.daily(root).unlink()
    findings = require_data(tiny.settings(min_coverage=0), root)
    assert findings.coverage[0].daily == 0
    assert findings.warnings == ("TINY has no daily bars for a forecast: nothing of it is opened",)
    for day in BOTH:
        damaged.option_quotes(root, day).unlink()
    assert "no option quotes" in refusal(root, min_coverage=0)


def test_of_an_underlying_that_ends_the_days_after_count_as_none_that_is_lacking(root: Path) -> None:
    damaged.option_quotes(root, tiny.SECOND).unlink()
    damaged.trades(root, tiny.SECOND).unlink()
    history = damaged.history(root)
    history.write_text(history.read_text().replace("20501231", f"{tiny.FIRST:%Y%m%d}"))
    findings = require_data(tiny.settings(), root)
    assert findings.coverage[0].sessions == findings.coverage[0].quotes == 1
    ends = f"TINY ends on {tiny.FIRST}, by its map file: it is closed that day, and none is opened then"
    assert findings.warnings == (ends,)
    history.write_text(history.read_text().replace(f"{tiny.FIRST:%Y%m%d}", "20240313"))
    assert "TINY ended on 2024-03-13, by its map file" in refusal(root, min_coverage=0)


def test_daily_bars_that_end_long_before_forecast_nothing(root: Path) -> None:
    damaged.edit_entries(damaged.daily(root), lambda text: "".join(text.splitlines(keepends=True)[:-30]))
    assert "no daily bars for a forecast" in refusal(root)


def test_a_missing_rate_file_is_said(root: Path) -> None:
    interest_rate_path(root).unlink()
    (warning,) = require_data(tiny.settings(), root).warnings
    assert "interest-rate.csv: the rate is taken as 1%, as LEAN takes it" in warning


def test_settings_that_turn_trades_over_are_said_with_the_data(root: Path) -> None:
    (warning,) = require_data(tiny.settings(entry_edge=0.03, exit_edge=0.04), root).warnings
    assert warning.startswith("exit-edge 0.04 is not below entry-edge 0.03: ")


# Overnight moves ---------------------------------------------------------------------------------------------------


@pytest.fixture
def split(tmp_path: Path) -> Path:
    return tiny.write(tmp_path / "split", split=True)


@pytest.mark.parametrize("damage", [Path.unlink, None])
def test_a_split_that_no_file_tells_is_refused(split: Path, damage: Callable[[Path], object] | None) -> None:
    assert require_data(tiny.settings(), split).warnings == ()
    if damage is None:
        one = FactorRow(dt.date(2020, 1, 2), Decimal(1), Decimal(1), Decimal(1))
        write_factor_file(split, "TINY", [one, one._replace(day=dt.date(2050, 12, 31))])
    else:
        damaged.factors(split).unlink()
        damaged.history(split).unlink()
    sentence = refusal(split)
    assert f"TINY closed at {tiny.last_spot():g} on 2024-03-14 and opened at " in sentence
    assert ("which is missing" in sentence) == (damage is not None)
    assert sentence.endswith("add --set max-unexplained-move=1")
    assert require_data(tiny.settings(max_unexplained_move=1), split).coverage[0].bars == 2


def test_a_split_that_did_not_take_place_is_refused(root: Path) -> None:
    """Prices go on as before, and the factor file tells of two new shares for one."""
    half = FactorRow(tiny.FIRST, Decimal(1), Decimal("0.5"), Decimal(100))
    write_factor_file(root, "TINY", [half, FactorRow(dt.date(2050, 12, 31), Decimal(1), Decimal(1), Decimal(0))])
    assert "which no split or dividend of" in refusal(root)


def test_an_untold_split_in_the_history_is_refused(root: Path) -> None:
    """Daily bars before some day are three times as high, and no file says why."""

    def tripled(text: str) -> str:
        lines = text.splitlines()
        for place, line in enumerate(lines[:150]):
            time, *prices, volume = line.split(",")
            lines[place] = ",".join([time, *(str(3 * int(price)) for price in prices), volume])
        return "\n".join(lines)

    damaged.edit_entries(damaged.daily(root), tripled)
    assert "max-unexplained-move=" in refusal(root)


def test_without_moves_no_factor_file_is_needed(root: Path) -> None:
    damaged.factors(root).unlink()
    damaged.history(root).unlink()
    assert require_data(tiny.settings(), root).warnings == ()


def test_aapl_through_its_split_without_factors_is_refused(lean_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "lean"
    root.mkdir()
    without = {"map_files", "factor_files"}
    for path in lean_data.iterdir():
        if path.name != "equity":
            (root / path.name).symlink_to(path)
    (root / "equity" / "usa").mkdir(parents=True)
    for path in (lean_data / "equity" / "usa").iterdir():
        if path.name not in without:
            (root / "equity" / "usa" / path.name).symlink_to(path)
    hours = {"underlyings": "AAPL", "start": "2014-06-06", "end": "2014-06-09", "resolution": "hour"}
    settings = Settings.of(hours)
    with pytest.raises(DataError, match=r"AAPL closed at 645.\d+ on 2014-06-06 and opened at 92.\d+ on 2014-06-09"):
        require_data(settings, root)
    assert require_data(settings, lean_data).coverage[0].quotes == 2


# Too little, too wrong ---------------------------------------------------------------------------------------------


def kept(choose: Callable[[int, str], bool]) -> Callable[[str], str]:
    """The lines of a file or an entry that are chosen by place and text."""
    return lambda text: "".join(f"{line}\n" for at, line in enumerate(text.splitlines()) if choose(at, line))


def test_one_quote_a_session_is_no_coverage(root: Path) -> None:
    """Six contracts near the money, and all seven hours: half is four hours of three contracts."""
    for day in BOTH:
        damaged.edit_entries(damaged.option_quotes(root, day), kept(lambda at, _: at == 0))
    sentence = refusal(root)
    few = "quotes in half of the hours for 0 of 6 near the money on 2024-03-14"
    assert f"enough option quotes for 0 of 2 sessions from 2024-03-14 to 2024-03-15 in {root} ({few})" in sentence
    findings = require_data(tiny.settings(min_coverage=0), root)
    assert findings.coverage[0].quotes == 0
    assert findings.coverage[0].without_quotes == ()
    assert any(f"TINY has few option quotes on 2 of 2 sessions: {few}" in each for each in findings.warnings)


@pytest.mark.parametrize(("last", "covered"), [("12:59", 1), ("12:29", 0)])
def test_half_of_the_hours_of_half_of_the_contracts_is_coverage(root: Path, last: str, covered: int) -> None:
    """Hours count from 9:30: four of seven with quotes after 12:30, three without."""
    hour, minute = map(int, last.split(":"))
    until = (hour * 60 + minute) * 60_000
    path = damaged.option_quotes(root, tiny.SECOND)
    damaged.edit_entries(path, kept(lambda _, line: int(line.split(",")[0]) <= until))
    damaged.drop_entries(path, 3)
    assert require_data(tiny.settings(min_coverage=0), root).coverage[0].quotes == 1 + covered
    damaged.drop_entries(path, 1)
    assert require_data(tiny.settings(min_coverage=0), root).coverage[0].quotes == 1


@pytest.mark.parametrize(("bars", "covered"), [(40, 1), (38, 0)])
def test_half_of_the_bars_of_a_session_is_coverage(root: Path, bars: int, covered: int) -> None:
    """One each five minutes, in 39 stretches of ten: twenty of them with 40 bars, nineteen with 38."""
    damaged.edit_entries(damaged.trades(root, tiny.SECOND), kept(lambda at, _: at < bars))
    findings = require_data(tiny.settings(min_coverage=0), root)
    assert findings.coverage[0].bars == 1 + covered
    if not covered:
        few = "bars in 19 of 39 stretches of ten minutes on 2024-03-15"
        assert findings.warnings == (f"TINY has few minute bars on 1 of 2 sessions: {few}",)
        assert f"enough minute bars for 1 of 2 sessions from 2024-03-14 to 2024-03-15 in {root} ({few})" in refusal(
            root
        )


def test_rows_that_cannot_be_used_are_told_of_where_little_is_left(root: Path) -> None:
    path = damaged.option_quotes(root, tiny.FIRST)
    damaged.edit_entries(path, lambda text: "".join(reversed(text.splitlines(keepends=True))))
    sentence = refusal(root)
    assert "; 462 of 936 rows could not be used, the first " not in sentence  # less than half of both days
    for day in BOTH:
        path = damaged.option_quotes(root, day)
        damaged.edit_entries(path, lambda text: "".join(sorted(text.splitlines(keepends=True), reverse=True)))
    sentence = refusal(root)
    assert "; 924 of 936 rows could not be used, the first " in sentence
    assert "time out of order" in sentence


def test_a_universe_that_lists_less_than_is_quoted_is_said(root: Path) -> None:
    damaged.edit_entries(damaged.universe(root, tiny.FIRST), kept(lambda at, _: at < 4))  # header, stock, two contracts
    (warning,) = require_data(tiny.settings(), root).warnings
    assert (
        "less than half of the contracts that are quoted, and nothing else is traded: 2 of 6 on 2024-03-15" in warning
    )
    damaged.edit_entries(damaged.universe(root, tiny.BEFORE), kept(lambda at, _: at < 5))
    assert require_data(tiny.settings(end=tiny.FIRST), root).warnings == ()  # three of six


def priced(price: float) -> Callable[[str], str]:
    """A universe whose underlying closed at another price."""

    def edit(text: str) -> str:
        header, stock, *contracts = text.splitlines()
        columns, cells = header.lstrip("#").split(","), stock.split(",")
        for name in ("open", "high", "low", "close"):
            cells[columns.index(name)] = f"{price}"
        return "".join(f"{line}\n" for line in [header, ",".join(cells), *contracts])

    return edit


@pytest.mark.parametrize("price", [700.0, 14.0, 112.0, 88.0])
def test_a_universe_whose_price_nobody_paid_is_none(root: Path, price: float) -> None:
    """The stock moves by less than a share of 0.03 in both sessions, so that 12 % are beyond a tenth of all of it."""
    path = damaged.universe(root, tiny.FIRST)
    damaged.edit_entries(path, priced(price))
    sentence = refusal(root)
    assert f"universe files for 1 of 2 sessions from 2024-03-14 to 2024-03-15 in {root} " in sentence
    assert f"(the underlying's price is {price:g}, where bars have " in sentence
    assert f"in {path} on 2024-03-15)" in sentence
    findings = require_data(tiny.settings(min_coverage=0.5), root)
    assert findings.coverage[0].universes == 1
    (fault,) = findings.faults
    assert fault.kind is FaultKind.PRICE_APART
    assert fault.file == str(path)
    assert any("a price of the underlying at which it did not trade" in each for each in findings.warnings)


def test_a_universe_whose_price_is_old_is_one_and_of_shares_before_a_split_is_none(root: Path, split: Path) -> None:
    damaged.edit_entries(damaged.universe(root, tiny.FIRST), priced(107.0))
    assert require_data(tiny.settings(), root).faults == ()
    for price, wrong in ((tiny.last_spot() / 2.0, 0), (tiny.last_spot(), 1)):
        damaged.edit_entries(damaged.universe(split, tiny.FIRST), priced(price))
        assert len(require_data(tiny.settings(min_coverage=0), split).faults) == wrong


def test_a_session_that_offers_nothing_to_the_settings_is_said(root: Path) -> None:
    days = (tiny.EXPIRY - tiny.FIRST).days  # one more than on the second day
    told = require_data(tiny.settings(min_days_to_expiry=days, max_days_to_expiry=400), root).warnings
    (warning,) = (each for each in told if "without a contract that the settings look at" in each)
    assert warning.endswith("nothing can be opened on: 2024-03-15")


@pytest.mark.parametrize(("days", "refused"), [(59, False), (61, True)])
def test_daily_bars_that_are_missing_are_said_or_refused(root: Path, days: int, refused: bool) -> None:
    """A forecast looks back on 300 days, of which min-coverage asks for 240."""
    history = tiny.HOURS.trading_days(dt.date(2022, 11, 1), tiny.FIRST)
    gone = history[-150 : -150 + days]
    names = {f"{day:%Y%m%d}" for day in gone}
    damaged.edit_entries(damaged.daily(root), kept(lambda _, line: line[:8] not in names))
    span = f"{gone[0]} to {gone[-1]}"
    if refused:
        sentence = refusal(root)
        assert f"TINY has daily bars on 239 of the 300 trading days that a forecast looks back on in {root}" in sentence
        assert f"(none on {span})" in sentence
    (warning,) = require_data(tiny.settings(min_coverage=0), root).warnings
    assert f"TINY has no daily bar on {days} trading days that forecasts look back on ({span})" in warning


@pytest.mark.parametrize("row", ["2024-01-01,x", "2024-01-01,nan", "2024-01-01", "01/02/2024,3", "1998-01-01,4"])
def test_a_single_bad_row_of_the_rate_file_is_refused(root: Path, row: str) -> None:
    path = interest_rate_path(root)
    path.write_text(f"{path.read_text()}{row}\n")
    assert f"the interest-rate file cannot be read: {path}:3: " in refusal(root)


@pytest.mark.parametrize(("percent", "fits"), [("-5", True), ("-5.1", False), ("50", True), ("75", False)])
def test_a_rate_that_no_central_bank_sets_is_refused(root: Path, percent: str, fits: bool) -> None:
    path = interest_rate_path(root)
    path.write_text(f"{path.read_text()}2024-01-01,{percent}\n1998-01-01,3\n")  # a row twice is no fault
    if fits:
        assert require_data(tiny.settings(), root).warnings == ()
    else:
        assert f"({percent}; allowed: -5 to 50 percent)" in refusal(root)


@pytest.mark.parametrize("factor", ["inf", "0", "nan", "1e+20x"])
def test_a_factor_that_is_none_is_refused(root: Path, factor: str) -> None:
    path = damaged.factors(root)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], f"20240313,{factor},1,100", lines[-1]]))
    assert f"the factor file of TINY cannot be read: {path}:{len(lines)}: not a number" in refusal(root)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (damaged.factors, "the factor file of TINY cannot be read: {}: corrupt file "),
        (damaged.history, "the ticker history of TINY cannot be read: {}: corrupt file "),
        (interest_rate_path, "the interest-rate file cannot be read: {}: corrupt file "),
        (lambda root: damaged.universe(root, tiny.BEFORE), "no option universe .*: {}: corrupt file "),
        (lambda root: damaged.option_quotes(root, tiny.FIRST), "no option quotes .*: {}: corrupt archive "),
        (damaged.daily, "no daily bars .*: {}: corrupt archive "),
    ],
)
def test_what_is_no_file_is_called_so(root: Path, file: Callable[[Path], Path], words: str) -> None:
    path = file(root)
    for make, said in (
        (os.mkfifo, "(Not a regular file)"),
        (Path.mkdir, "(Is a directory)"),
        (itself, "(Too many levels of symbolic links)"),
    ):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        make(path)
        sentence = refusal(root, end=tiny.FIRST)
        assert re.search(words.format(re.escape(str(path))) + re.escape(said), sentence), sentence


def itself(path: Path) -> None:
    """A link that leads to itself."""
    path.symlink_to(path.name)
