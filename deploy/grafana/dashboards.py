"""Builds Grafana's dashboard of a core with Grafana's own SDK: ``python deploy/grafana/dashboards.py``.

It needs ``pip install grafana-foundation-sdk``, in an environment of its own; what it writes lies beside it.
Expressions ask for the metrics that a monitor serves, and for what deploy/prometheus/recordings.yml keeps.
"""

import json
from pathlib import Path
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import TimeZoneBrowser
from grafana_foundation_sdk.models.dashboard import DataSourceRef

HERE: Final = Path(__file__).resolve().parent
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${source}")
ONE: Final = 'instance=~"$instance"'


class Graph(NamedTuple):
    """A panel: its title and unit, and what is drawn by legend."""

    title: str
    unit: str
    lines: dict[str, str]
    single: bool = False


def quantiles(what: str) -> dict[str, str]:
    """Minimum, median, 95 %, 99 % and maximum of a latency since the process began."""
    return {
        name: f'alo_latency_quantile_seconds{{{ONE},what="{what}",quantile="{quantile}"}}'
        for name, quantile in {"least": "0", "half": "0.5", "95 %": "0.95", "99 %": "0.99", "most": "1"}.items()
    }


ROWS: Final[dict[str, tuple[Graph, ...]]] = {
    "How it stands": (
        Graph("Lives", "bool_on_off", {"": f"alo_up{{{ONE}}}"}, single=True),
        Graph("Halted", "bool_yes_no", {"{{cause}}": f"max by (cause) (alo_halted{{{ONE}}})"}, single=True),
        Graph("Equity", "currencyUSD", {"": f"alo_equity{{{ONE}}}"}, single=True),
        Graph("Open trades", "short", {"": f"alo_trades_open{{{ONE}}}"}, single=True),
        Graph("Data's age", "s", {"": f"alo_data_age_seconds{{{ONE}}}"}, single=True),
        Graph("Broker connected", "bool_yes_no", {"": f"alo_broker_connected{{{ONE}}}"}, single=True),
    ),
    "Latency": (
        Graph("Frame, since it began", "s", quantiles("frame")),
        Graph("Release behind its deadline, since it began", "s", quantiles("release_lateness")),
        Graph("Data to decision, since it began", "s", quantiles("data_to_decision")),
        Graph("Decision to order, since it began", "s", quantiles("decision_to_order")),
        Graph("Order to fill, since it began", "s", quantiles("order_to_fill")),
        Graph(
            "99 % of the last five minutes",
            "s",
            {
                "frame": f"alo:frame_seconds:p99{{{ONE}}}",
                "release": f"alo:release_lateness_seconds:p99{{{ONE}}}",
                "fsync": f"alo:fsync_seconds:p99{{{ONE}}}",
            },
        ),
        Graph("Tasks, 99 %", "s", {"{{task}}": f"alo:task_seconds:p99{{{ONE}}}"}),
        Graph(
            "Tasks against their budgets, 99 %",
            "percentunit",
            {"{{task}}": f"alo:task_seconds:p99{{{ONE}}} / on (instance, task) alo_task_budget_seconds{{{ONE}}}"},
        ),
        Graph(
            "Overruns and missed frames a second",
            "short",
            {"{{task}}": f"alo:overruns:rate5m{{{ONE}}}", "missed": f"alo:frames_missed:rate5m{{{ONE}}}"},
        ),
    ),
    "Queues and journal": (
        Graph("Waiting in rings", "short", {"{{ring}}": f"alo_ring_waiting_slots{{{ONE}}}"}),
        Graph("Appended less durable", "short", {"messages": f"alo_journal_lag_messages{{{ONE}}}"}),
        Graph("Messages a second", "short", {"{{kind}}": f"alo:messages:rate5m{{{ONE}}}"}),
        Graph("Orders", "short", {"{{status}}": f"alo_orders{{{ONE}}}"}),
        Graph("Disk that is left", "percentunit", {"": f"alo:disk_free:ratio{{{ONE}}}"}),
    ),
    "Book": (
        Graph("Profit by part", "currencyUSD", {"{{part}}": f"alo_profit{{{ONE}}}"}),
        Graph("Limits used", "percentunit", {"{{limit}} {{underlying}} {{days}}": f"alo_limit_used_ratio{{{ONE}}}"}),
        *(
            Graph(title, "short", {"{{underlying}}": f'alo_greek{{{ONE},greek="{greek}"}}'})
            for greek, title in {
                "delta": "Delta, shares",
                "gamma": "Gamma, shares a unit of the spot",
                "vega": "Vega, a percentage point",
                "theta": "Theta, a day",
            }.items()
        ),
    ),
    "Process": (
        Graph("Processors used", "short", {"": f"alo:process_cpu:rate5m{{{ONE}}}"}),
        Graph("Memory", "bytes", {"": f"alo_process_resident_bytes{{{ONE}}}"}),
        Graph(
            "Context switches a second", "short", {"{{kind}}": f"rate(alo_process_context_switches_total{{{ONE}}}[5m])"}
        ),
        Graph("Page faults a second", "short", {"{{kind}}": f"rate(alo_process_page_faults_total{{{ONE}}}[5m])"}),
    ),
}


def dashboard() -> Dashboard:
    """The dashboard, for any source of Prometheus and any number of cores."""
    built = (
        Dashboard("alo: trading core")
        .uid("alo-core")
        .tags(["alo"])
        .refresh("5s")
        .time("now-1h", "now")
        .timezone(TimeZoneBrowser)
        .with_variable(DatasourceVariable("source").type("prometheus"))
        .with_variable(
            QueryVariable("instance").datasource(SOURCE).query("label_values(alo_up, instance)").include_all(True)
        )
    )
    for title, graphs in ROWS.items():
        built = built.with_row(Row(title))
        for graph in graphs:
            built = built.with_panel(panel(graph))
    return built


def panel(graph: Graph) -> Stat | Timeseries:
    """A panel of a graph, with the reference of each query by its place."""
    width = 4 if graph.single else 8
    drawn = (Stat() if graph.single else Timeseries()).title(graph.title).unit(graph.unit).datasource(SOURCE)
    drawn = drawn.span(width).height(4 if graph.single else 8)
    for number, (legend, expression) in enumerate(graph.lines.items()):
        drawn = drawn.with_target(Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + number)))
    return drawn


if __name__ == "__main__":
    text = JSONEncoder(sort_keys=True, indent=1).encode(dashboard().build())
    (HERE / "alo-dashboard.json").write_text(f"{json.dumps(json.loads(text), indent=1)}\n", encoding="utf-8")
