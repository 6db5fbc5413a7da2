"""What stands beside figures of a run's page: what they are made of, and what is said where there is none."""

import re
from decimal import Decimal

import numpy as np
import pytest

from alo_lib.records import Kind, leg_columns
from alo_lib.views import report_html
from alo_lib.views.blotter_section import positions_section
from tests.views import kit
from tests.views.test_volatility import entry, lived_messages


def amount(text):
    return Decimal(text.replace("−\u2060$", "-$").replace("$", "").replace(",", ""))


def test_the_hedging_tile_splits_its_figure_into_cost_and_luck(traded):
    traded.summary["hedging"] |= {"together": -61.14, "delta": 33.07, "slippage": -87.21, "share_fees": -7.0}
    text = report_html(traded)
    figure, cost, luck = re.findall(
        r"<b class=\"\">([^<]*)</b><span>hedging: ([^ ]*) cost[^,]*, fees\), ([^ ]*) luck", text
    )[0]
    assert amount(cost) == Decimal("-94.21")
    assert amount(cost) + amount(luck) == amount(figure) == Decimal("-61.14")


def test_positions_have_a_total_that_is_the_profit_of_trading(traded):
    (foot,) = re.findall("<tfoot>(.*?)</tfoot>", str(positions_section(traded)))
    title, *_, fees, profit = re.findall("<td[^>]*>([^<]*)</td>", foot)
    assert (title, fees, profit) == ("together", "$10.00", "$184.40")  # as kit.traded_messages counts them


def test_margin_is_not_said_to_be_what_regulation_t_maintains(traded):
    text = report_html(traded)
    assert "half of the shares&#x27; value" in text
    assert "Regulation T&#x27;s maintenance margin" not in text


def test_where_no_forecast_came_to_its_end_what_is_held_has_an_answer_so_far(tmp_path):
    held = entry(
        direction=1,
        quantity=1,
        **leg_columns((2, 1), (1, 1)),
        implied_volatility=0.3,
        expiry=kit.CLOSE + 30 * 86_400 * 10**9,
    )
    messages = [
        message._replace(records=message.records[1:]) if message.kind is Kind.FORECAST else message
        for message in lived_messages([held])
    ]
    run = kit.run_of(tmp_path, messages)
    text = report_html(run)
    (section,) = re.findall(r"<h2>ALFA: did the forecast come true\?</h2>(.*?)</section>", text)
    assert text.count(run.summary["forecasts"]["verdict"]) == 2  # the same sentence as at the page's head
    cells = re.findall("<td[^>]*>([^<]*)</td>", section)
    assert cells[:5] == ["2024-01-22", "2024-01-02 16:01", "bought", "30.00%", "40.00%"]
    moves = np.log([102 / 100, 99 / 102, 103 / 99])  # of three sessions
    assert float(cells[5].rstrip("%")) == pytest.approx(100.0 * np.sqrt(252 / 3 * np.sum(moves**2)), rel=0.01)
