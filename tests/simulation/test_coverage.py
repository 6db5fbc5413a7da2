"""What is measured before a run, what is said of it, and what is refused."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from alo_lib.market import DataError
from alo_lib.market.factor_files import FactorRow
from alo_lib.market.layout import interest_rate_path
from alo_lib.market.writer import write_factor_file
from alo_lib.settings import Settings
from alo_lib.simulation import require_data
from tests.simulation import damaged, tiny

BOTH = (tiny.FIRST, tiny.SECOND)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    return damaged.copy(whole, tmp_path / "data")


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


def test_daily_bars_that_end_long_before_forecast_nothing(root: Path) -> None:
    damaged.edit_entries(damaged.daily(root), lambda text: "".join(text.splitlines(keepends=True)[:-30]))
    assert "no daily bars for a forecast" in refusal(root)


def test_a_missing_rate_file_is_said(root: Path) -> None:
    interest_rate_path(root).unlink()
    (warning,) = require_data(tiny.settings(), root).warnings
    assert "interest-rate.csv: the rate is taken as 1%, as LEAN takes it" in warning


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
