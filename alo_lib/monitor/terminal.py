"""A run as a terminal shows it, narrow ones too."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from alo_lib.monitor.view import NOT_SEEN, QUANTILES, Monitor
from alo_lib.views.spoken import DASH, money, or_dash

__all__ = ["drawn", "duration", "show"]

_WIDE: Final = 110
"""Columns from which two parts stand beside each other."""
_DISTRIBUTED: Final = 84
"""Columns from which times have all their quantiles and their distribution, and positions all their greeks."""
_BARS: Final = "▁▂▃▄▅▆▇█"
_LINES: Final = 8
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_GOOD, _BAD, _SOFT = "green", "bold red", "dim"


def show(watched: Monitor, *, once: bool, every: float, console: Console | None = None) -> None:
    """Draw a run again and again until it is interrupted, or ``once``; in a pipe one drawing follows the other.

    Where nothing is seen, it says why and looks again; ``once`` raises it (NOT_SEEN).
    """
    screen = Console(highlight=False) if console is None else console
    if once:
        screen.print(drawn(watched.look().told, screen.width))
        return
    if not screen.is_terminal:
        while True:
            screen.print(_seen(watched, screen.width))
            time.sleep(every)
    with Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_seen(watched, screen.width, screen.height), refresh=True)
            time.sleep(every)


def _seen(watched: Monitor, width: int, height: int | None = None) -> RenderableType:
    """A look, or why nothing was seen."""
    try:
        return drawn(watched.look().told, width, height)
    except NOT_SEEN as error:
        return Text(str(error))


def drawn(told: dict[str, Any], width: int, height: int | None = None) -> RenderableType:
    """All that is told of a run, for a screen of that many columns, and lines where it scrolls no further."""
    lines = _LINES if height is None else max(3, height // 8)
    lists = [_lines("last decisions", told.get("decisions", ()), lines, _decision)]
    lists.append(_lines("notices", told.get("notices", ()), lines, _notice))
    if width < _WIDE:
        parts = _latencies(told, width), _queues(told), _limits(told, lines), _positions(told, width, lines)
        return Group(_head(told), *parts, *lists)
    half = width // 2 - 2
    sides = (_latencies(told, half), _queues(told)), (_limits(told, lines), _positions(told, half, lines))
    pair = Columns([Group(*side) for side in sides], width=half, padding=(0, 1))
    return Group(_head(told), pair, Columns(lists, width=half, padding=(0, 1)))


def _session(told: dict[str, Any]) -> str:
    """Whether one is open; none may have been told of yet."""
    return DASH if told["session"] is None else "open" if told["session_open"] else "closed"


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it."""
    if seconds is None:
        return DASH
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:z.3g} {unit}"
    return "0 s" if seconds == 0.0 else f"{seconds * 1e9:z.3g} ns"


def _standby(told: dict[str, Any] | None) -> tuple[str, str]:
    """How the standby of a core stands, and its tone; nothing where the core never had one."""
    if told is None:
        return "", _GOOD
    if not told["up"]:
        return "  no standby", _BAD
    return ("  standby warm", _GOOD) if told["warm"] else ("  standby not warm", _BAD)


def _head(told: dict[str, Any]) -> RenderableType:
    phase = told["phase"]
    tone = _GOOD if told["up"] or phase == "stopped" else _BAD
    state = Text.assemble(
        (f"{told['name']} ", "bold"),
        (f"{phase}{', late' if told['late'] else ''}", tone),
        f"  {told['engine']}, process {told['pid'] or DASH}, last told {duration(told['heartbeat_age'])} ago",
    )
    frames, journal, process = told["frames"], told["journal"], told["process"]
    mode = (told["mode"] or "unknown").replace("_", " ")
    halts = ", ".join(told["halts"] or ()).replace("_", " ")
    book = Text.assemble(
        f"time {told['time'] or DASH}, session {_session(told)}, mode ",
        (f"{mode}{f' ({halts})' if halts else ''}", _GOOD if mode == "normal" else _BAD),
        ("" if told["broker_connected"] else "  broker disconnected", _BAD),
        _standby(told["standby"]),
    )
    orders = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in told["orders"].items() if count)
    equity = DASH if told["equity"] is None else money(told["equity"])
    return Group(
        state,
        book,
        Text(
            (f"frames {frames['released']:,}, {frames['missed']:,} missed, " if told["real_time"] else "frames ")
            + f"{frames['run']:,} with news, {frames['late']:,} late, {sum(_overruns(told).values()):,} overruns"
        ),
        Text(
            f"journal {journal['messages']:,} messages, {journal['lag']:,} not on disk; refused {frames['refused']:,}, "
            f"conflated {frames['conflated']:,}, undelivered {frames['undelivered']:,}"
        ),
        Text(f"equity {equity}, {told['trades_open']} trades open; orders: {orders or 'none'}"),
        Text(
            f"processor {process['user_seconds'] + process['system_seconds']:z.1f} s, "
            f"memory {process['resident'] / 1e6:z.0f} MB, page faults {process['faults']['major']:,} from disk, "
            f"{process['switches']['involuntary']:,} switches forced; {_counters(process)}",
            style=_SOFT,
        ),
    )


def _overruns(told: dict[str, Any]) -> dict[str, int]:
    causes = ("work", "preempted", "page_fault", "waited")
    return {task: sum(each[cause] for cause in causes) for task, each in told["frames"]["tasks"].items()}


def _counters(process: dict[str, Any]) -> str:
    known = {name: count for name, count in process["counters"].items() if count is not None}
    if not known:
        return "hardware counters not supported"
    return ", ".join(f"{name.replace('_', ' ')} {count:z.3g}" for name, count in known.items())


def _table(title: str, *columns: str, left: int = 1) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold", padding=(0, 1))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", no_wrap=True)
    return table


def _latencies(told: dict[str, Any], width: int) -> RenderableType:
    narrow = width < _DISTRIBUTED
    shown = [name for name in QUANTILES if name != "p999" and (not narrow or name in ("median", "p99", "max"))]
    table = _table("latency", "of", "count", *shown, *(() if narrow else ("distribution",)))
    for name, each in told["latency"].items():
        if each["count"]:
            cells = [duration(each[quantile]) for quantile in shown]
            bars = () if narrow else (_bars(each["histogram"], 12),)
            table.add_row(name.replace("_", " "), f"{each['count']:,}", *cells, *bars)
    return table


def _bars(histogram: list[list[float]], width: int) -> str:
    """Counts as blocks, the least values first, in at most ``width`` of them."""
    counts = [count for _, count in histogram]
    together = -(-len(counts) // width)
    heights = [sum(counts[first : first + together]) for first in range(0, len(counts), max(together, 1))]
    most = max(heights, default=0)
    return "".join(" " if not each else _BARS[min(len(_BARS) - 1, int(8 * each / most))] for each in heights)


def _queues(told: dict[str, Any]) -> RenderableType:
    if not told["queues"]:
        return Text("")
    table = _table("queues", "ring", "waiting", "of", "lag")
    for each in told["queues"]:
        table.add_row(each["ring"], f"{each['waiting']:,}", f"{each['capacity']:,}", duration(each["lag"]))
    return table


def _limits(told: dict[str, Any], lines: int) -> RenderableType:
    used = sorted((each for each in told["limits"] if each["ratio"]), key=lambda each: -each["ratio"])
    if not used:
        return Text("no limit is used", style=_SOFT)
    table = _table("limits", "limit", "of", "used", "allowed", "share", left=2)
    for each in used[:lines]:
        part = each["underlying"] if each["days"] == "all" else f"{each['days']} days on"
        share = Text(f"{each['ratio']:z.0%}", style=_BAD if each["ratio"] > 0.9 else "")
        table.add_row(each["limit"], part, or_dash(each["used"], "z,.0f"), or_dash(each["allowed"], "z,.0f"), share)
    return table


def _positions(told: dict[str, Any], width: int, lines: int) -> RenderableType:
    held = told.get("positions", ())
    narrow = width < _DISTRIBUTED
    greeks = ("delta", "vega") if narrow else ("delta", "gamma", "vega", "theta")
    table = _table("book", "what", "quantity", *(() if narrow else ("mark", "volatility")), *greeks)
    for each in held[:lines]:
        volatility = or_dash(each["implied_volatility"], "z.1%")
        quote = () if narrow else (or_dash(each["mark"], "z.2f"), volatility)
        table.add_row(each["symbol"], f"{each['quantity']:,}", *quote, *_greeks(each, greeks))
    if len(held) > lines:
        table.add_row(f"and {len(held) - lines} more")
    for each in told["greeks"]:
        quote = () if narrow else (or_dash(each["spot"], "z.2f"), "")
        table.add_row(f"all of {each['underlying']}", f"{each['structures']}", *quote, *_greeks(each, greeks))
    return table if held or told["greeks"] else Text("nothing is held", style=_SOFT)


def _greeks(each: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    return (or_dash(each[name], "z,.2f") for name in names)


def _lines(title: str, entries: Any, lines: int, worded: Callable[[dict[str, Any]], str]) -> RenderableType:
    text = [Text(worded(each), overflow="ellipsis", no_wrap=True) for each in list(entries)[:lines]]
    return Group(Text(title, style="bold"), *(text or [Text("none", style=_SOFT)]))


def _decision(each: dict[str, Any]) -> str:
    return f"{each['time'][11:19]} {each['text']}{': ' if each['reason'] else ''}{each['reason']}"


def _notice(each: dict[str, Any]) -> str:
    what = "" if each["what"] == "notice" else f"{each['what']}: "
    return f"{each['time'][11:19]} {what}{each['text']}"
