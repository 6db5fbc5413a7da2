"""Rows made by each vendor's description: what becomes of them, and of those that cannot be used."""

import datetime as dt
import gzip
import json

import pytest

from alo_lib.cli.commands.import_data import FORMATS as COMMAND_FORMATS
from alo_lib.market import DataFolder, DataKind, Resolution, SecurityType
from alo_lib.market.importing.formats.known import FORMATS
from alo_lib.market.importing.refusals import Reason
from alo_lib.market.importing.symbols import Roots, UnmappedError, contract_of_symbol
from alo_lib.market.layout import ContractKey
from tests.market.importing.conftest import entries, files

DAY = dt.date(2024, 3, 14)
CHAIN = "--columns", "symbol=osi,time=ts,bid=bid,ask=ask,bid_size=bs,ask_size=as"
HEAD = "osi,ts,bid,ask,bs,as\n"


@pytest.fixture
def bring(run, tmp_path):
    """``alo import --json`` of a text; returns its outcome and what it told."""

    def call(form, text, *options, name="rows.csv"):
        path = tmp_path / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        outcome = run("import", form, path, "--to", tmp_path / "data", "--json", *options)
        return outcome, json.loads(outcome.out) if outcome.status == 0 else {}

    return call


def test_symbols_by_the_rules_of_the_occ():
    wanted = ContractKey(dt.date(2024, 1, 19), 190.0, 1)
    for text in ("AAPL  240119C00190000", "O:AAPL240119C00190000", "aapl240119c00190000", "AAPL_240119C00190000"):
        assert contract_of_symbol(text) == ("AAPL", wanted)
    assert contract_of_symbol("SPXW240119P04700500") == ("SPXW", ContractKey(dt.date(2024, 1, 19), 4700.5, -1))
    assert contract_of_symbol("AAPL1240119C00190000")[0] == "AAPL1"
    for text in ("AAPL", "AAPL240119X00190000", "AAPL241319C00190000", "AAPL240119C0019000", "TOOLONG240119C00190000"):
        with pytest.raises(UnmappedError):
            contract_of_symbol(text)


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("AAPL", (SecurityType.OPTION, "AAPL")),
        ("SPX", (SecurityType.INDEX_OPTION, "SPX")),
        ("SPXW", (SecurityType.INDEX_OPTION, "SPXW")),
        ("^VIX", (SecurityType.INDEX_OPTION, "VIX")),
        ("BRKB", (SecurityType.OPTION, "BRK.B")),
        ("AAPL1", Reason.ADJUSTED_ROOT),
        ("2SPX", Reason.FLEX_ROOT),
        ("XSP", Reason.UNKNOWN_INDEX),
        ("A/B", Reason.TICKER),
    ],
)
def test_roots(root, expected):
    roots = Roots({"BRKB": "BRK.B"})
    if isinstance(expected, Reason):
        with pytest.raises(UnmappedError) as found:
            roots.option(root)
        assert found.value.reason is expected
    else:
        assert roots.option(root) == expected
    assert roots.underlying("I:SPX").security is SecurityType.INDEX
    assert roots.underlying("spy").security is SecurityType.EQUITY


def test_each_row_that_cannot_be_used_is_counted_and_shown_with_its_line(bring, tmp_path):
    good = "AAPL240419C00190000,2024-03-14T10:00:00,1.2,1.3,5,6\n"
    bad = [
        ("AAPL1240419C00190000,2024-03-14T10:00:00,1.2,1.3,5,6", "adjusted contract"),
        ("AAPL240419C00190000,yesterday,1.2,1.3,5,6", "not a time"),
        ("AAPL240419C00190000,2024-03-14T10:00:00,one,1.3,5,6", "not a number"),
        ("AAPL240419C00190000,2024-03-14T10:00:00,-1.2,1.3,5,6", "negative number"),
        ("AAPL240419C00190000,2024-03-14T10:00:00,1.4,1.3,5,6", "crossed quote"),
        ("AAPL240419C00190000,2024-03-16T10:00:00,1.2,1.3,5,6", "on a day without a session"),
        ("AAPL240419C00190000,2024-03-14T16:00:01,1.2,1.3,5,6", "outside the session"),
        ("AAPL240419C00190000,2024-04-22T10:00:00,1.2,1.3,5,6", "after its expiry"),
        ("AAPL240419C00190000,2024-03-14T10:00:00,0,0,0,0", "no price and no size"),
        ("AAPL240419C00190000,2024-03-14T10:00:00,1.2", "wrong column count"),
        ("APPLE,2024-03-14T10:00:00,inf,1.3,5,6", "not a number"),
        ("AAPL240419C00000000,2024-03-14T10:00:00,1.2,1.3,5,6", "strike that is not positive"),
    ]
    text = HEAD + good + "\n" + "".join(f"{row}\n" for row, _ in bad)
    outcome, told = bring("csv", text, *CHAIN)
    assert outcome.status == 0, outcome.err
    expected: dict[str, int] = {}
    for _, reason in bad:
        expected[reason] = expected.get(reason, 0) + 1
    assert told["left_out"] == expected
    assert (told["rows"], told["taken"]) == (len(bad), 1)
    for line, (_, reason) in enumerate(bad, start=4):
        assert any(f"rows.csv:{line}: {reason}" in each for each in told["first_left_out"]), reason
    assert "bid = 'one'; allowed: a number such as 12.35, or nothing" in "\n".join(told["first_left_out"])
    (chain,) = files(tmp_path / "data", "option/usa/minute").values()
    assert list(entries(chain).values()) == [b"35940000,12000,12000,12000,12000,5,13000,13000,13000,13000,6\n"]


@pytest.mark.parametrize(
    ("form", "content", "options", "words"),
    [
        ("csv", HEAD, CHAIN, "there is no row"),
        ("csv", HEAD + "x,y,1,2,3,4\n", CHAIN, "rows.csv:2: not a time"),
        ("csv", b"\x00\xff\xfe", CHAIN, "cannot be read"),
        ("csv", HEAD, (), "csv files need --columns"),
        ("csv", HEAD, ("--columns", "bod=bid"), "'bod' is no field; did you mean bid?"),
        ("csv", HEAD, ("--columns", "bid=bid"), "rows need symbol"),
        ("csv", HEAD + "A,B,1,1,1,1\n", ("--columns", "ticker=t,time=ts,close=c"), "has no column 't'"),
        ("csv", HEAD, (*CHAIN, "--time-zone", "Mars"), "'Mars' is no time zone"),
        ("polygon", HEAD, (), "is no file of Polygon"),
        ("optionsdx", HEAD, (), "name it, such as --ticker SPY"),
        ("ib", HEAD, (), "does not say what it is of"),
    ],
)
def test_what_gives_nothing_is_refused_in_a_sentence(bring, tmp_path, form, content, options, words):
    outcome, _ = bring(form, content, *options)
    assert outcome.status == 2
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert files(tmp_path / "data") == {}


def test_a_packed_file_that_is_cut_off_leaves_nothing(bring, tmp_path):
    row = "AAPL240419C00190000,2024-03-14T10:00:00,1.2,1.3,5,6\n"
    packed = gzip.compress((HEAD + row * 5000).encode())
    outcome, _ = bring("csv", packed[:-20], *CHAIN, name="rows.csv.gz")
    assert outcome.status == 2
    assert "cannot be read" in outcome.err
    assert files(tmp_path / "data") == {}


def test_quotes_without_sizes_are_warned_of(bring):
    row = "osi,ts,bid,ask\nAAPL240419C00190000,2024-03-14T10:00:00,1.2,1.3\n"
    columns = "--columns", "symbol=osi,time=ts,bid=bid,ask=ask"
    outcome, told = bring("csv", row, *columns)
    assert any("the quotes of AAPL have no sizes" in each for each in told["warnings"])
    assert "Warning: the quotes of AAPL have no sizes" in outcome.err
    _, told = bring("csv", row, *columns, "--size", "5", "--replace")
    assert not any("sizes" in each for each in told["warnings"])


def test_the_command_knows_every_format():
    assert set(COMMAND_FORMATS) == set(FORMATS)


def test_clocks_of_new_york_and_utc_agree_on_both_sides_of_the_change(bring, tmp_path):
    rows = [
        "AAPL240419C00190000,2024-03-08T10:00:00,1.1,1.3,5,6",  # winter: 15:00 UTC
        "AAPL240419C00190000,2024-03-11T10:00:00,1.2,1.4,5,6",  # summer: 14:00 UTC
    ]
    utc = [
        "AAPL240419C00190000,2024-03-08T15:00:00Z,1.1,1.3,5,6",
        "AAPL240419C00190000,1710165600000,1.2,1.4,5,6",
    ]
    bring("csv", HEAD + "\n".join(rows), *CHAIN)
    once = {name: entries(path) for name, path in files(tmp_path / "data", "option/usa/minute").items()}
    assert len(once) == 2
    assert all(next(iter(each.values())).startswith(b"35940000,") for each in once.values())
    outcome, told = bring("csv", HEAD + "\n".join(utc), *CHAIN)
    assert (outcome.status, told["left_out"]) == (0, {})
    assert {name: entries(path) for name, path in files(tmp_path / "data", "option/usa/minute").items()} == once


def test_a_half_day_ends_at_one(bring, tmp_path):
    rows = [f"AAPL240816C00190000,2024-07-03T{clock},1.1,1.3,5,6" for clock in ("12:59:30", "13:00:00", "13:00:01")]
    _, told = bring("csv", HEAD + "\n".join(rows), *CHAIN)
    assert told["left_out"] == {"outside the session": 1}
    assert "2024-07-03; allowed: 09:30 to 13:00" in told["first_left_out"][0]


OPTIONSDX = (
    "[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [QUOTE_TIME_HOURS], [UNDERLYING_LAST], [EXPIRE_DATE], "
    "[EXPIRE_UNIX], [DTE], [C_DELTA], [C_GAMMA], [C_VEGA], [C_THETA], [C_RHO], [C_IV], [C_VOLUME], [C_LAST], [C_SIZE], "
    "[C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_LAST], [P_DELTA], [P_GAMMA], [P_VEGA], [P_THETA], "
    "[P_RHO], [P_IV], [P_VOLUME], [STRIKE_DISTANCE], [STRIKE_DISTANCE_PCT]\n"
)
OPTIONSDX_ROW = (
    "1710446400, {day} 16:00, {day}, 16.000000, 510.250000, 2024-04-19, 1713556800, 36.00, 0.5, 0.01, 0.6, -0.2, 0.2, "
    "0.12, 15.000000, 9.100000, 4 x 7, 9.010000, 9.090000, 510.000000, 6.500000, 6.590000, 11 x 2, 6.700000, -0.5, "
    "0.01, 0.6, -0.2, -0.2, 0.12, , 0.2, 0.0\n"
)


def test_a_chain_of_optionsdx_becomes_days_and_last_hours(bring, tmp_path):
    text = OPTIONSDX + "".join(OPTIONSDX_ROW.format(day=day) for day in ("2024-03-14", "2024-03-15"))
    outcome, told = bring("optionsdx", text, "--ticker", "SPY", "--bar", "daily")
    assert (outcome.status, told["left_out"]) == (0, {}), outcome.err
    data = DataFolder(tmp_path / "data")
    chain = data.option_bars("SPY", DAY, DAY, Resolution.DAILY)
    keys = [(dt.date(2024, 4, 19), 510.0, -1), (dt.date(2024, 4, 19), 510.0, 1)]
    assert [tuple(row) for row in chain.contracts.tolist()] == keys
    assert chain.bars[["bid_close", "bid_size", "ask_close", "ask_size"]].tolist() == [
        (6.5, 11, 6.59, 2),
        (9.01, 4, 9.09, 7),
    ]
    hours = data.option_bars("SPY", DAY, DAY, Resolution.HOUR)
    assert hours.bars.tolist() == chain.bars.tolist()
    trades = data.option_bars("SPY", DAY, DAY, Resolution.DAILY, DataKind.TRADE)
    assert [(row["close"], row["volume"]) for row in trades.bars] == [(9.1, 15)]
    for resolution in (Resolution.DAILY, Resolution.HOUR):
        assert data.bars("SPY", DAY, DAY, resolution)["close"].tolist() == [510.25]
    universe = data.universe("SPY", dt.date(2024, 3, 15))
    assert universe is not None
    assert universe.underlying is not None
    assert (universe.day, universe.underlying.close) == (DAY, 510.25)
    assert [tuple(row)[:3] for row in universe.rows.tolist()] == keys
    assert not data.faults


def test_cboes_summary_tells_roots_and_deliveries_apart(bring, tmp_path):
    header = (
        "underlying_symbol,quote_date,root,expiration,strike,option_type,open,high,low,close,trade_volume,bid_size_1545,"
        "bid_1545,ask_size_1545,ask_1545,underlying_bid_1545,underlying_ask_1545,bid_size_eod,bid_eod,ask_size_eod,"
        "ask_eod,underlying_bid_eod,underlying_ask_eod,vwap,open_interest,delivery_code\n"
    )
    row = (
        "{under},2024-03-14,{root},2024-04-19,{strike},{right},1,2,0.5,1.5,{volume},1,1,1,1,1,1,3,1.4,4,1.6,"
        "{bid},{ask},1,{oi},{code}\n"
    )

    def made(under, root, code="", **values):
        usual = {"strike": "5100.000", "right": "C", "volume": 10, "bid": "5150.40", "ask": "5150.40", "oi": 321}
        return row.format(under=under, root=root, code=code, **{**usual, **values})

    text = header + "".join(
        [
            made("^SPX", "SPXW"),
            made("^SPX", "SPX", right="P", volume=0),
            made("GOOG", "GOOG", bid="140.00", ask="140.10", strike="140.000"),
            made("GOOG", "GOOG1"),
            made("GOOG", "GOOG", code="A1"),
            made("^XSP", "XSP"),
        ]
    )
    outcome, told = bring("cboe", text)
    assert outcome.status == 0, outcome.err
    assert told["left_out"] == {"adjusted contract": 2, "index option that LEAN does not have": 1}
    securities = [(each["type"], each["ticker"]) for each in told["securities"]]
    assert securities == [
        ("equity", "GOOG"),
        ("index", "SPX"),
        ("indexoption", "SPX"),
        ("indexoption", "SPXW"),
        ("option", "GOOG"),
    ]
    data = DataFolder(tmp_path / "data")
    weekly = data.universe("SPXW", dt.date(2024, 3, 15), security=SecurityType.INDEX_OPTION)
    assert weekly is not None
    assert weekly.underlying is not None
    assert weekly.underlying.close == 5150.4
    (listed,) = weekly.rows.tolist()
    assert listed[1:9] == (5100.0, 1, 1.0, 2.0, 0.5, 1.5, 10, 321)
    interest = data.option_bars("GOOG", DAY, DAY, Resolution.MINUTE, DataKind.OPEN_INTEREST)
    assert interest.bars["open_interest"].tolist() == [321]
    assert interest.bars["time"][0] < data.hours().session(DAY).open
    assert data.bars("GOOG", DAY, DAY, Resolution.DAILY)["close"].tolist() == [140.05]


def test_an_instrument_of_databento_without_a_definition_is_told(bring, tmp_path):
    header = "ts_recv,ts_event,rtype,publisher_id,instrument_id,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,symbol\n"
    rows = [
        "2024-03-14T14:00:00.000000000Z,,193,30,7,1.200000000,1.300000000,5,6,AAPL  240419C00190000\n",
        "2024-03-14T14:00:00.000000000Z,,193,30,8,1.200000000,1.300000000,5,6,\n",
    ]
    outcome, told = bring("databento", header + "".join(rows))
    assert outcome.status == 0, outcome.err
    assert told["left_out"] == {"instrument without a definition": 1}
    outcome, _ = bring("databento", b"DBN", name="opra.dbn")
    assert outcome.status == 2
    assert "which the package databento reads" in outcome.err


def test_bars_of_brokers_that_are_averages_are_refused(bring):
    text = ",date,open,high,low,close,volume\n0,20240314 10:00:00 US/Eastern,1,1,1,1,1\n"
    outcome, _ = bring("ib", text, name="AAPL240419C00190000_BID_ASK.csv")
    assert outcome.status == 2
    assert "averages over the bar and no quotes" in outcome.err
