"""A market written in the shapes of vendors, by their published descriptions; each gives files and options."""

import datetime as dt
import gzip
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alo_lib.market import DataKind
from alo_lib.market.layout import ContractKey
from alo_lib.records import MINUTE, NEW_YORK, SECOND
from tests.market.importing.exported import PARTS, UTC, Exported, clock, number, symbol, write

Files = list[tuple[str, list[Path], list[str]]]
"""FORMAT, FILES and options of an import."""


def _packed(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def _zipped(path: Path) -> Path:
    packed = path.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, path.name)
    return packed


def polygon(market: Exported, to: Path) -> Files:
    """Flat files, gzipped as they come: quotes by the nanosecond, minutes by their start."""
    return [
        ("polygon", [_packed(_polygon_minutes(market, to))], []),
        ("polygon", [_packed(_polygon_stock_quotes(market, to))], []),
        ("polygon", [_packed(_polygon_quotes(market, to))], []),
    ]


def _polygon_quotes(market: Exported, to: Path) -> Path:
    return write(
        to / "options-quotes.csv",
        [
            "ticker",
            "ask_exchange",
            "ask_price",
            "ask_size",
            "bid_exchange",
            "bid_price",
            "bid_size",
            "sequence_number",
            "sip_timestamp",
        ],
        (
            [
                "O:" + symbol(market.ticker, key).replace(" ", ""),
                309,
                number(bar["ask_close"]) or 0,
                bar["ask_size"],
                309,
                number(bar["bid_close"]) or 0,
                bar["bid_size"],
                row,
                int(bar["time"]) - 7,
            ]
            for row, (key, bar) in enumerate(market.chain())
        ),
    )


def _polygon_stock_quotes(market: Exported, to: Path) -> Path:
    return write(
        to / "stock-quotes.csv",
        [
            "ticker",
            "ask_exchange",
            "ask_price",
            "ask_size",
            "bid_exchange",
            "bid_price",
            "bid_size",
            "conditions",
            "sip_timestamp",
            "tape",
        ],
        (
            [
                market.ticker,
                11,
                number(bar["ask_close"]),
                bar["ask_size"],
                12,
                number(bar["bid_close"]),
                bar["bid_size"],
                "1,2",
                int(bar["time"]) - 11 * SECOND,
                3,
            ]
            for bar in market.bars(DataKind.QUOTE)
        ),
    )


def _polygon_minutes(market: Exported, to: Path) -> Path:
    return write(
        to / "stock-minutes.csv",
        ["ticker", "volume", "open", "close", "high", "low", "window_start", "transactions"],
        (
            [
                market.ticker,
                bar["volume"],
                *(number(bar[each]) for each in ("open", "close", "high", "low")),
                int(bar["time"]) - MINUTE,
                9,
            ]
            for bar in market.bars()
        ),
    )


def thetadata(market: Exported, to: Path) -> Files:
    """Version 3, with the stock's files without a symbol."""
    who = ["symbol", "expiration", "strike", "right", "timestamp"]
    sides = ["bid_size", "bid_exchange", "bid", "bid_condition", "ask_size", "ask_exchange", "ask", "ask_condition"]

    def contract(key: ContractKey) -> list[object]:
        return [market.ticker, key.expiry, f"{key.strike:.3f}", "CALL" if key.right > 0 else "PUT"]

    def quote(bar: np.void) -> list[object]:
        bid, ask = (number(bar[f"{side}_close"]) or "0.0000" for side in ("bid", "ask"))
        return [bar["bid_size"], 5, bid, 50, bar["ask_size"], 5, ask, 50]

    def at(time: int) -> str:
        return clock(time).isoformat(timespec="milliseconds")

    quotes = write(
        to / "quotes.csv",
        [*who, *sides],
        ([*contract(key), at(int(bar["time"])), *quote(bar)] for key, bar in market.chain()),
    )
    interest = write(
        to / "interest.csv",
        [*who, "open_interest"],
        (
            [*contract(key), at(int(bar["time"])), bar["open_interest"]]
            for key, bar in market.chain(DataKind.OPEN_INTEREST)
        ),
    )
    stock = write(
        to / "stock.csv",
        ["timestamp", *PARTS, "volume", "count", "vwap"],
        (
            [at(int(bar["time"]) - MINUTE), *(number(bar[each]) for each in PARTS), bar["volume"], 3, 1.0]
            for bar in market.bars()
        ),
    )
    stock_quotes = write(
        to / "stock-quotes.csv",
        ["timestamp", *sides],
        ([at(int(bar["time"])), *quote(bar)] for bar in market.bars(DataKind.QUOTE)),
    )
    return [
        ("thetadata", [stock], ["--ticker", market.ticker]),
        ("thetadata", [stock_quotes], ["--ticker", market.ticker]),
        ("thetadata", [quotes, interest], []),
    ]


def thetadata_two(market: Exported, to: Path) -> Files:
    """Version 2: strikes in tenths of a cent, and milliseconds of the day."""

    def when(time: int) -> tuple[int, str]:
        moment = clock(time)
        midnight = dt.datetime.combine(moment.date(), dt.time())
        return round((moment - midnight) / dt.timedelta(milliseconds=1)), f"{moment:%Y%m%d}"

    def contract(key: ContractKey) -> list[object]:
        right = "C" if key.right > 0 else "P"
        return [market.ticker, f"{key.expiry:%Y%m%d}", round(key.strike * 1000), right]

    who = ["root", "expiration", "strike", "right", "ms_of_day"]
    sides = ["bid_size", "bid_exchange", "bid", "bid_condition", "ask_size", "ask_exchange", "ask", "ask_condition"]

    def quoted(key: ContractKey, bar: np.void) -> list[object]:
        clock_, day = when(int(bar["time"]))
        bid, ask = (number(bar[f"{side}_close"]) or 0 for side in ("bid", "ask"))
        return [*contract(key), clock_, bar["bid_size"], 5, bid, 50, bar["ask_size"], 5, ask, 50, day]

    def counted(key: ContractKey, bar: np.void) -> list[object]:
        clock_, day = when(int(bar["time"]))
        return [*contract(key), clock_, bar["open_interest"], day]

    quotes = write(to / "quotes2.csv", [*who, *sides, "date"], (quoted(key, bar) for key, bar in market.chain()))
    interest = write(
        to / "interest2.csv",
        [*who, "open_interest", "date"],
        (counted(key, bar) for key, bar in market.chain(DataKind.OPEN_INTEREST)),
    )
    return [("thetadata", [quotes, interest], [])]


def cboe(market: Exported, to: Path) -> Files:
    """Quotes at intervals, zipped; the underlying's price stands beside each, and open interest."""
    interest = {
        (clock(int(bar["time"])).date(), key): bar["open_interest"] for key, bar in market.chain(DataKind.OPEN_INTEREST)
    }
    spots = {int(bar["time"]): bar for bar in market.bars(DataKind.QUOTE)}
    rows = []
    for key, bar in market.chain():
        moment, stock = clock(int(bar["time"])), spots[int(bar["time"])]
        right = "C" if key.right > 0 else "P"
        rows.append(
            [
                market.ticker,
                moment,
                market.ticker,
                key.expiry,
                f"{key.strike:.3f}",
                right,
                0,
                0,
                0,
                0,
                0,
                bar["bid_size"],
                number(bar["bid_close"]) or 0,
                bar["ask_size"],
                number(bar["ask_close"]) or 0,
                number(stock["bid_close"]),
                number(stock["ask_close"]),
                interest[moment.date(), key],
            ]
        )
    header = (
        "underlying_symbol quote_datetime root expiration strike option_type open high low close trade_volume "
        "bid_size bid ask_size ask underlying_bid underlying_ask open_interest"
    )
    return [("cboe", [_zipped(write(to / "intervals.csv", header.split(), rows))], [])]


def databento(market: Exported, to: Path) -> Files:
    """OPRA's cbbo as CSV of raw numbers with definitions, statistics, and the stock's bars and quotes as Parquet."""
    keys = sorted({key for key, _ in market.chain()})
    numbers = {key: 4000 + place for place, key in enumerate(keys)}
    _databento_stock(market, to)
    options = [of(market, to, numbers) for of in (_databento_quotes, _databento_interest, _databento_definitions)]
    return [
        ("databento", [to / "ohlcv-1m.parquet", to / "bbo-1m.parquet"], []),
        ("databento", options, []),
    ]


def _databento_definitions(market: Exported, to: Path, numbers: dict[ContractKey, int]) -> Path:
    keys = sorted(numbers)
    days = sorted({clock(int(bar["time"])).date() for _, bar in market.chain()})
    return write(
        to / "definition.csv",
        [
            "ts_recv",
            "ts_event",
            "rtype",
            "publisher_id",
            "instrument_id",
            "raw_symbol",
            "security_update_action",
            "instrument_class",
        ],
        (
            [_nanoseconds(day), _nanoseconds(day), 19, 30, numbers[key], symbol(market.ticker, key), "A", "C"]
            for day in days
            for key in keys
        ),
    )


def _databento_quotes(market: Exported, to: Path, numbers: dict[ContractKey, int]) -> Path:
    undefined = 2**63 - 1

    def price(value: float) -> int:
        return undefined if value != value else round(value * 1e9)

    return write(
        to / "cbbo-1m.csv",
        [
            "ts_recv",
            "ts_event",
            "rtype",
            "publisher_id",
            "instrument_id",
            "side",
            "price",
            "size",
            "flags",
            "bid_px_00",
            "ask_px_00",
            "bid_sz_00",
            "ask_sz_00",
            "bid_pb_00",
            "ask_pb_00",
        ],
        (
            [
                int(bar["time"]),
                2**64 - 1,
                193,
                30,
                numbers[key],
                "N",
                undefined,
                0,
                168,
                price(bar["bid_close"]),
                price(bar["ask_close"]),
                bar["bid_size"],
                bar["ask_size"],
                30,
                30,
            ]
            for key, bar in market.chain()
        ),
    )


def _databento_interest(market: Exported, to: Path, numbers: dict[ContractKey, int]) -> Path:
    return write(
        to / "statistics.csv",
        [
            "ts_recv",
            "ts_event",
            "rtype",
            "publisher_id",
            "instrument_id",
            "ts_ref",
            "price",
            "quantity",
            "stat_type",
            "symbol",
        ],
        (
            [
                f"{clock(int(bar['time']), UTC).isoformat()}.000000000Z",
                "",
                24,
                30,
                numbers[key],
                "",
                "",
                bar["open_interest"] if kind == 9 else 77,
                kind,
                symbol(market.ticker, key),
            ]
            for key, bar in market.chain(DataKind.OPEN_INTEREST)
            for kind in (6, 9)
        ),
    )


def _databento_stock(market: Exported, to: Path) -> None:
    bars, stock = market.bars(), market.bars(DataKind.QUOTE)
    columns = {
        "ts_event": pa.array(bars["time"] - MINUTE, pa.timestamp("ns", "UTC")),
        "rtype": pa.array([33] * len(bars), pa.uint8()),
        "instrument_id": pa.array([1] * len(bars), pa.uint32()),
        **{each: pa.array(bars[each]) for each in (*PARTS, "volume")},
        "symbol": pa.array([market.ticker] * len(bars)).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), to / "ohlcv-1m.parquet")
    columns = {
        "ts_recv": pa.array(stock["time"], pa.timestamp("ns", "UTC")),
        "instrument_id": pa.array([1] * len(stock), pa.uint32()),
        **{f"{side}_px_00": pa.array(stock[f"{side}_close"]) for side in ("bid", "ask")},
        **{f"{side}_sz_00": pa.array(stock[f"{side}_size"].astype(np.uint32)) for side in ("bid", "ask")},
        "symbol": pa.array([market.ticker] * len(stock)),
    }
    pq.write_table(pa.table(columns), to / "bbo-1m.parquet")


def _nanoseconds(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(4), NEW_YORK).timestamp()) * SECOND


def interactive_brokers(market: Exported, to: Path) -> Files:
    """A file for each contract and side, and the stock's trades, bids and asks."""
    header = ["", "date", *PARTS, "volume", "average", "barCount"]
    files: dict[Path, list[list[object]]] = {}
    for key, bar in market.chain():
        for side in ("bid", "ask"):
            path = to / f"{symbol(market.ticker, key).replace(' ', '')}_{side.upper()}.csv"
            prices = [number(bar[f"{side}_{each}"]) for each in PARTS]
            if prices[0] is not None:
                when = dt.datetime.fromtimestamp((int(bar["time"]) - MINUTE) // SECOND, NEW_YORK)
                files.setdefault(path, []).append([0, when, *prices, -1, -1, -1])
    options = [write(path, header, rows) for path, rows in files.items()]
    trades = write(
        to / f"{market.ticker} TRADES.csv",
        header,
        (
            [
                0,
                f"{clock(int(bar['time']) - MINUTE):%Y%m%d %H:%M:%S} US/Eastern",
                *(number(bar[each]) for each in PARTS),
                bar["volume"],
                1,
                1,
            ]
            for bar in market.bars()
        ),
    )
    sides = [
        write(
            to / f"{market.ticker}_{side.upper()}.csv",
            header,
            (
                [
                    0,
                    f"{clock(int(bar['time']) - MINUTE, UTC):%Y%m%d-%H:%M:%S}",
                    *(number(bar[f"{side}_{each}"]) for each in PARTS),
                    -1,
                    -1,
                    -1,
                ]
                for bar in market.bars(DataKind.QUOTE)
            ),
        )
        for side in ("bid", "ask")
    ]
    return [("ib", [trades, *sides], ["--size", "400"]), ("ib", options[::2] + options[1::2], ["--size", "10"])]
