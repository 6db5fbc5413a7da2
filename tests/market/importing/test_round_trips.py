"""A market that is written in a vendor's shape, and read back, is the same market, and trades the same."""

import numpy as np
import pytest

from alo_lib.market import DataFolder, Resolution
from tests.market.importing import vendors
from tests.market.importing.conftest import digest_of, entries, files
from tests.market.importing.exported import PARTS
from tests.sampled import sampled
from tests.simulation import tiny

BARS = ("equity/usa/minute", "equity/usa/hour", "option/usa/minute", "option/usa/hour")


def same_bars(original, imported):
    """Every archive of the original, value by value; it has no hours of open interest and no last daily bar."""
    for part in BARS:
        ours, theirs = files(imported, part), files(original, part)
        assert {name for name in ours.keys() ^ theirs.keys() if "openinterest" not in name} == set()
        for name, path in theirs.items():
            assert entries(ours[name]) == entries(path), name
    days, known = (entries(each / "equity/usa/daily/tiny.zip")["tiny.csv"] for each in (imported, original))
    assert days.startswith(known)
    assert days[len(known) :].startswith(b"20240315 00:00,")


def same_listing(original, imported):
    """Contracts and open interest of each universe."""
    for day in (tiny.FIRST, tiny.SECOND):
        ours, theirs = (DataFolder(each).universe("TINY", day) for each in (imported, original))
        assert ours is not None
        assert theirs is not None
        assert ours.day == theirs.day
        assert ours.underlying is not None
        assert ours.underlying.close > 0.0
        for name in ("expiry", "strike", "right", "open_interest"):
            assert ours.rows[name].tolist() == theirs.rows[name].tolist()


def test_a_described_csv(market, original, original_digest, bring_in, tmp_path):
    for path, options in market.described(tmp_path / "csv"):
        imported = bring_in("csv", path, *options)
    same_bars(original, imported)
    same_listing(original, imported)
    assert [each.amount for each in DataFolder(imported).events("TINY").dividends] == [tiny.DIVIDEND]
    assert digest_of(imported, tmp_path / "run") == original_digest


def stock(market, bring_in, to, *names):
    """What a vendor does not have: files of the described csv whose names begin so."""
    for path, options in market.described(to):
        if path.name.startswith(names):
            folder = bring_in("csv", path, *options)
    return folder


@pytest.mark.parametrize(
    ("vendor", "others"),
    sampled(
        [
            (vendors.polygon, ("interest",)),
            (vendors.thetadata, ()),
            (vendors.thetadata_two, ("stock",)),
            (vendors.cboe, ("stock",)),
            (vendors.databento, ()),
        ],
        every=2,
    ),
    ids=["polygon", "thetadata", "thetadata-2", "cboe", "databento"],
)
def test_a_vendors_minutes(vendor, others, market, original, original_digest, bring_in, tmp_path):
    stock(market, bring_in, tmp_path / "csv", "daily", "cash", *(each for each in others if each != "interest"))
    (tmp_path / "vendor").mkdir()
    for form, paths, options in vendor(market, tmp_path / "vendor"):
        imported = bring_in(form, *paths, *options)
    if "interest" in others:
        stock(market, bring_in, tmp_path / "csv", "interest")
    same_bars(original, imported)
    same_listing(original, imported)
    assert digest_of(imported, tmp_path / "run") == original_digest


def test_interactive_brokers_sides_become_quotes(market, original, bring_in, tmp_path):
    stock(market, bring_in, tmp_path / "csv", "daily")
    (tmp_path / "vendor").mkdir()
    for form, paths, options in vendors.interactive_brokers(market, tmp_path / "vendor"):
        imported = bring_in(form, *paths, *options)
    for day in (tiny.FIRST, tiny.SECOND):
        mine, original_chain = (
            DataFolder(each).option_bars("TINY", day, day, Resolution.MINUTE) for each in (imported, original)
        )
        assert mine.contracts.tolist() == original_chain.contracts.tolist()
        for name in ("time", *(f"{side}_{part}" for side in ("bid", "ask") for part in PARTS)):
            np.testing.assert_array_equal(mine.bars[name], original_chain.bars[name])
        assert set(mine.bars["bid_size"].tolist()) == set(mine.bars["ask_size"].tolist()) == {10}
    ours, theirs = files(imported, "equity/usa/minute"), files(original, "equity/usa/minute")
    assert {name: entries(path) for name, path in ours.items()} == {
        name: entries(path) for name, path in theirs.items()
    }


def test_a_second_import_of_the_same_changes_nothing_and_of_another_value_is_refused(market, bring_in, run, tmp_path):
    (path, options), *_ = [each for each in market.described(tmp_path / "csv") if each[0].name == "chain.csv"]
    folder = bring_in("csv", path, *options)
    before = {name: each.read_bytes() for name, each in files(folder).items()}
    bring_in("csv", path, *options)
    assert {name: each.read_bytes() for name, each in files(folder).items()} == before
    lines = path.read_text().splitlines()
    cells = lines[1].split(",")
    path.write_text("\n".join([lines[0], ",".join([*cells[:2], *["0.01"] * 4, *cells[6:]])]) + "\n")
    outcome = run("import", "csv", path, *options, "--to", folder)
    assert outcome.status == 2
    assert (
        "20240314_quote_american.zip has another row for 2024-04-19 95 P 2024-03-14T13:35:00.000Z: bid_open"
        in outcome.err
    )
    assert outcome.err.count("\n") == 1
    assert {name: each.read_bytes() for name, each in files(folder).items()} == before
    assert run("import", "csv", path, *options, "--to", folder, "--replace").status == 0
    changed = {name for name, each in files(folder).items() if each.read_bytes() != before[name]}
    assert changed == {
        "option/usa/minute/tiny/20240314_quote_american.zip",
        "option/usa/hour/tiny_2024_quote_american.zip",
    }
