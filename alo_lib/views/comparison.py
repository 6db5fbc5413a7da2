"""How two runs differ: in settings, data, figures and what was decided."""

from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from alo_lib.journal import Journal, Order
from alo_lib.records import Message
from alo_lib.records.spelling import spelled
from alo_lib.views.difference import parting_in_words
from alo_lib.views.run import Run, exchange_moment, is_figure
from alo_lib.views.runs import run_row
from alo_lib.views.spoken import DASH, money, rounded, short_digest

__all__ = ["compare", "comparison_table"]

_ROWS: Final = 30
"""Settings, or files, that people see."""
_COUNT: Final = "{:z,.0f}".format
_RATIO: Final = "{:z,.2f}".format
_SHARE: Final = "{:z.3%}".format
_PERCENT: Final = "{:z.2%}".format
_FIGURES: Final[dict[str, tuple[str, Callable[[float], str]]]] = {
    "orders": ("orders", _COUNT),
    "fills": ("fills", _COUNT),
    "trades": ("trades", _COUNT),
    "net_profit": ("net profit", money),
    "trading_profit": ("from trading", money),
    "realized_profit": ("realized", money),
    "attribution.parts": ("from {}", money),
    "hedging.together": ("hedging", money),
    "hedging.delta": ("hedging, delta left unhedged", money),
    "hedging.slippage": ("hedging, slippage of shares", money),
    "hedging.share_fees": ("hedging, fees of shares", money),
    "fees": ("fees", money),
    "sharpe": ("Sharpe ratio", _RATIO),
    "drawdown": ("drawdown", _SHARE),
    "largest_margin": ("largest margin", money),
    "return_on_margin": ("return on margin", _PERCENT),
    "exposure": ("mean {}, in size", _RATIO),
}
"""Figures of a summary by their way in it, in words, and how they are told; of a group, those of each of its names."""
_GROUPS: Final = {"attribution.parts": "", "exposure": ".mean_absolute"}
"""Where a group's figures stand below each of its names."""
_DIGESTS: Final = ("order_digest", "journal_digest")


def compare(one: Run, two: Run) -> dict[str, Any]:
    """How two runs differ, for programs; values are pairs, of the first and of the second.

    ``settings``, ``data`` (by file) and ``results`` hold what is not the same. Results are named by their way in a
    run's summary (of ``trades`` the number), and have a third value: the second less the first, null where one is no
    number. ``first_order`` is the number, from 1, of the first order that is not the same or did not come to the same,
    with both; ``first_message`` the first message of the journals, by its number in the first one, of those that count
    in their digests: engines differ in remarks. Both are null where there is none.

    :raises RunError: for a folder that cannot be read, or whose parts are not of one run.
    """
    return {
        "runs": [run_row(one), run_row(two)],
        "settings": _differences(one.settings, two.settings),
        "data": _differences(one.data_files, two.data_files),
        "results": {name: [*pair, _less(*pair)] for name, pair in _differences(_figures(one), _figures(two)).items()},
        "first_order": _first_order(one.orders, two.orders),
        "first_message": _first_message(one, two),
    }


def comparison_table(told: dict[str, Any]) -> Group:
    """The comparison for a terminal."""
    names = [Path(row["folder"]).name for row in told["runs"]]
    settings = {spelled(name): pair for name, pair in told["settings"].items()}
    parts: list[Any] = _pairs("settings", settings, names) + _pairs("data", told["data"], names)
    if told["results"]:
        table = _table("results", [*names, "second less first"], justify="right")
        for name, (first, second, less) in told["results"].items():
            words, form = _told(name)
            cells = (words, *(_shown(value, form) for value in (first, second)), _signed(less, form))
            table.add_row(*map(Text, cells))
        parts.append(table)
    else:
        parts.append("The same results.")
    order, message = told["first_order"], told["first_message"]
    if order is None:
        parts.append("The same orders.")
    else:
        parts.append(f"Orders part at order {order['number']:,}:")
        parts += [Text(f"  {name}: {text or 'none'}") for name, text in zip(names, order["orders"], strict=True)]
    parts.append("The same journals." if message is None else Text(f"Journals part at {message['words']}"))
    return Group(*parts)


def _pairs(title: str, differ: dict[str, list[Any]], names: list[str]) -> list[Any]:
    """What is not the same of settings or data, or that all is."""
    if not differ:
        return [f"The same {title}."]
    table = _table(title, names)
    for name, pair in list(differ.items())[:_ROWS]:
        table.add_row(*(Text(text, overflow="fold") for text in (name, *map(_shown, pair))))
    rest = len(differ) - _ROWS
    return [table, f"and {rest:,} more; --json has all." if rest > 0 else ""]


def _table(title: str, columns: list[str], justify: Any = "left") -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(title, overflow="fold")
    for column in columns:
        table.add_column(Text(column), overflow="fold", justify=justify)
    return table


def _figures(run: Run) -> dict[str, Any]:
    """The figures of a run's summary by their way in it."""
    summary = run.about.get("summary")
    found: dict[str, Any] = {}
    for way in _FIGURES:
        value = _at(summary, way)
        if way in _GROUPS:
            below = _GROUPS[way]
            found |= {
                f"{way}.{name}{below}": _at(value, f"{name}{below}")
                for name in (value if isinstance(value, dict) else ())
            }
        else:
            found[way] = len(value) if way == "trades" and isinstance(value, list) else value
    return found | {name: _at(summary, name) for name in _DIGESTS}


def _at(summary: object, way: str) -> Any:
    """What stands in an object at the end of a dotted way; None where there is nothing."""
    value = summary
    for name in way.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _told(name: str) -> tuple[str, Callable[[float], str] | None]:
    """A figure's words, and how its number is told."""
    for group, below in _GROUPS.items():
        if name.startswith(f"{group}."):
            words, form = _FIGURES[group]
            return words.format(name.removeprefix(f"{group}.").removesuffix(below)), form
    return _FIGURES.get(name, (name.replace("_", " "), None))


def _differences(one: dict[str, Any], two: dict[str, Any]) -> dict[str, list[Any]]:
    names = [*one, *(name for name in two if name not in one)]
    return {name: [one.get(name), two.get(name)] for name in names if one.get(name) != two.get(name)}


def _less(one: Any, two: Any) -> float | None:
    """The second less the first, without what floats leave; None where one is no figure."""
    if not (is_figure(one) and is_figure(two)):
        return None
    return two - one if isinstance(one, int) and isinstance(two, int) else rounded(two - one)


def _first_order(one: list[Order], two: list[Order]) -> dict[str, Any] | None:
    both = [[_order_in_words(order) for order in orders] for orders in (one, two)]
    for place in range(max(map(len, both))):
        pair = [words[place] if place < len(words) else None for words in both]
        if pair[0] != pair[1]:
            return {"number": place + 1, "orders": pair}
    return None


def _order_in_words(order: Order) -> str:
    when = exchange_moment(order.time)
    told = f"{when} New York, {order.side} {abs(order.quantity):,} {order.symbol}, {order.tag}"
    if not order.filled:
        return f"{told}: {order.status.name.lower()}"
    return f"{told}: {abs(order.filled):,} filled at {order.price:z.4f}, fee {order.fee:z.4f}"


def _first_message(one: Run, two: Run) -> dict[str, Any] | None:
    both = zip_longest(*map(_that_count, (one.journal, two.journal)), fillvalue=(len(one.journal.messages), None))
    for (place, mine), (_, other) in both:
        if not _same(mine, other):
            symbols, others = ({number: each.symbol for number, each in run.instruments.items()} for run in (one, two))
            return {"message": place, "words": parting_in_words(place, mine, other, symbols, others)}
    return None


def _that_count(journal: Journal) -> Iterator[tuple[int, Message | None]]:
    """The messages of a journal's digest, with their numbers in it."""
    for place, message in enumerate(journal.messages):
        if not message.kind.is_remark and place not in journal.left_out:
            yield place, message


def _same(one: Message | None, two: Message | None) -> bool:
    return one is not None and two is not None and one[:2] == two[:2] and one.records.tobytes() == two.records.tobytes()


def _shown(value: Any, form: Callable[[float], str] | None = None) -> str:
    if form is not None and is_figure(value):
        return form(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = DASH if value is None else str(value)
    return short_digest(text) if len(text) == 64 else text


def _signed(less: float | None, form: Callable[[float], str] | None) -> str:
    """A difference with its sign; nothing where there is none to tell."""
    if less is None or form is None:
        return ""
    return f"+{form(less)}" if less > 0 else form(less)
