"""The head of a run's page: its figures at a glance, and how each of them is counted."""

from typing import Any

from alo_lib.views import page
from alo_lib.views.page import Html
from alo_lib.views.performance import lean_figures
from alo_lib.views.run import Run
from alo_lib.views.spoken import DASH, money, or_dash
from alo_lib.views.summary import hedging_in_words, sharpe_in_words

__all__ = ["headline", "performance_section"]


def headline(run: Run, summary: dict[str, Any]) -> Html:
    """The figures at a glance."""
    profit, traded = summary["net_profit"], summary["trading_profit"]
    return page.cards(
        [
            page.card("net profit", money(profit), _tone(profit)),
            page.card("of it from trading", money(traded), _tone(traded)),
            page.card("return", f"{profit / summary['start_equity']:+z.3%}"),
            page.card("Sharpe ratio", or_dash(summary["sharpe"], "z.2f")),
            page.card("deepest drawdown", f"{summary['drawdown']:z.3%}"),
            page.card(_hedged(summary["hedging"]), money(summary["hedging"]["together"])),
            page.card("fees", money(summary["fees"])),
            page.card("orders", f"{summary['orders']:,}"),
            page.card("fills", f"{summary['fills']:,}"),
            *([page.card("data left out", f"{summary['left_out']:,}")] if run.knows_data else []),
        ]
    )


def performance_section(run: Run, summary: dict[str, Any]) -> Html:
    """The headline in full, and how LEAN's figures of the same names differ."""
    ratio, about = sharpe_in_words(summary)
    worst, on_margin = summary["worst_day"], summary["return_on_margin"]
    lean = lean_figures(run.results)
    rows = [
        (
            "net profit",
            money(summary["net_profit"]),
            "what the equity gained, with what is held at its last mark",
            DASH,
        ),
        (
            "from trading",
            money(summary["trading_profit"]),
            f"of it, without {money(summary['interest'])} of interest on cash and {money(summary['borrow'])} of borrow "
            "for short shares",
            DASH,
        ),
        (
            "realized profit",
            money(summary["realized_profit"]),
            "of the net profit, without what is held against its average price; all fees are in it",
            f"{lean.realized_profit or DASH}: what was closed against its average price, and dividends, less all fees, "
            "those of what is still held too; interest and borrow are not in it",
        ),
        ("hedging", money(summary["hedging"]["together"]), hedging_in_words(summary, money), DASH),
        (
            "Sharpe ratio",
            ratio,
            about,
            f"{or_dash(lean.sharpe, 'z.2f')}: weekends and holidays count as days without a return",
        ),
        (
            "deepest drawdown",
            f"{summary['drawdown']:z.3%}",
            "of the equity curve below, from point to point; no other is shown on this page",
            f"{or_dash(lean.drawdown, 'z.1%')}: of the same curve, to a tenth of a percent; none in a run of a day",
        ),
        (
            "worst day",
            money(worst["profit"]) if worst else DASH,
            f"{worst['return']:+z.3%} on {worst['date']}, close to close" if worst else "no session",
            DASH,
        ),
        (
            "return on margin",
            or_dash(on_margin, "+z.2%"),
            f"net profit over {money(summary['largest_margin'])}, the largest margin, as LEAN asks it",
            DASH,
        ),
    ]
    columns = ("figure", "value", "how it is counted", "LEAN's own")
    table = page.table(columns, rows, (1,), sentences=(2, 3))
    return page.section("Performance", table, page.note(summary["forecasts"]["verdict"]))


def _hedged(told: dict[str, Any]) -> str:
    """What of the one figure was paid for, and what the market's moves happened to make."""
    cost = money(told["slippage"] + told["share_fees"])
    return f"hedging: {cost} cost (slippage, fees), {money(told['delta'])} luck (delta left unhedged)"


def _tone(profit: float) -> str:
    return "good" if profit > 0 else "bad" if profit < 0 else ""
