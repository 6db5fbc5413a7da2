"""Kibana's saved objects for the log of a monitor: a data view, searches, charts and a dashboard of them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from alo_lib.settings.operation import OperationSettings

__all__ = ["saved_objects"]

_VERSIONS: Final = {"index-pattern": "7.11.0", "search": "7.9.3", "visualization": "7.14.0", "dashboard": "7.14.0"}
"""Of the objects' layouts: Kibana 7.14's, which later ones bring up to theirs when they import."""
_KIBANA: Final = "7.14.0"
_VIEW: Final = "alo"
_INDEX: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"
"""The name under which an object refers to its data view."""


class _Search(NamedTuple):
    """Lines of one sort, the newest first."""

    name: str
    title: str
    query: str  # in Kibana's own language; empty for all
    columns: Sequence[str]


_SEARCHES: Final = (
    _Search("alo-all", "alo: all lines", "", ("service.name", "event.action", "message", "event.reason")),
    _Search(
        "alo-look",
        "alo: what asks for a look",
        "log.level : (warning or error)",
        ("service.name", "log.level", "event.action", "message"),
    ),
    _Search(
        "alo-orders",
        "alo: orders and fills",
        "event.action : (order or amendment or order_event)",
        ("alo.order", "alo.symbol", "alo.status", "alo.quantity", "alo.price", "alo.fee", "event.reason"),
    ),
    _Search(
        "alo-overruns",
        "alo: overruns",
        "event.action : overrun",
        ("alo.task", "alo.cause", "event.duration", "alo.policy", "alo.missed"),
    ),
    _Search(
        "alo-commands",
        "alo: commands and halts",
        "event.action : (command or halt or recovery or era)",
        ("event.action", "user.name", "message"),
    ),
)


class _Chart(NamedTuple):
    """A measure over time, a colour for each value of a field."""

    name: str
    title: str
    query: str
    measure: dict[str, Any]
    split: str


_CHARTS: Final = (
    _Chart("alo-actions", "alo: lines by what they tell", "", {"type": "count", "params": {}}, "event.action"),
    _Chart(
        "alo-durations",
        "alo: longest overrun, ns",
        "event.action : overrun",
        {"type": "max", "params": {"field": "event.duration"}},
        "alo.task",
    ),
)


def saved_objects(settings: OperationSettings) -> str:
    """For Kibana's import: an object a line."""
    return "".join(json.dumps(each) + "\n" for each in _objects(settings))


def _objects(settings: OperationSettings) -> Iterator[dict[str, Any]]:
    view = {"title": f"{settings.logs.index}*", "timeFieldName": "@timestamp", "fields": "[]"}
    yield _object("index-pattern", _VIEW, view, [])
    for search in _SEARCHES:
        columns = {"columns": list(search.columns), "sort": [["@timestamp", "desc"]], "description": "", "hits": 0}
        yield _over_the_view("search", search.name, search.title, search.query, columns)
    for chart in _CHARTS:
        state = {"title": chart.title, "type": "histogram", "aggs": _aggregations(chart), "params": _BARS}
        drawn = {"visState": json.dumps(state), "uiStateJSON": "{}", "description": ""}
        yield _over_the_view("visualization", chart.name, chart.title, chart.query, drawn)
    yield _dashboard()


def _object(kind: str, name: str, attributes: dict[str, Any], references: Sequence[dict[str, str]]) -> dict[str, Any]:
    return {
        "type": kind,
        "id": name,
        "attributes": attributes,
        "references": list(references),
        "migrationVersion": {kind: _VERSIONS[kind]},
        "coreMigrationVersion": _KIBANA,
    }


def _over_the_view(kind: str, name: str, title: str, query: str, more: dict[str, Any]) -> dict[str, Any]:
    """An object that shows lines of the data view, those that a query lets through."""
    source = {"query": {"query": query, "language": "kuery"}, "filter": [], "indexRefName": _INDEX}
    attributes = {"title": title, "version": 1, **more, "kibanaSavedObjectMeta": _source(source)}
    return _object(kind, name, attributes, [{"name": _INDEX, "type": "index-pattern", "id": _VIEW}])


def _source(content: dict[str, Any]) -> dict[str, str]:
    return {"searchSourceJSON": json.dumps(content)}


def _aggregations(chart: _Chart) -> list[dict[str, Any]]:
    time = {"field": "@timestamp", "interval": "auto", "min_doc_count": 1, "useNormalizedEsInterval": True}
    split = {"field": chart.split, "orderBy": "1", "order": "desc", "size": 20}
    return [
        {"id": "1", "enabled": True, "schema": "metric", **chart.measure},
        {"id": "2", "enabled": True, "schema": "segment", "type": "date_histogram", "params": time},
        {"id": "3", "enabled": True, "schema": "group", "type": "terms", "params": split},
    ]


_AXIS: Final = {"show": True, "style": {}, "labels": {"show": True, "filter": True, "truncate": 100}}
_BARS: Final = {
    "type": "histogram",
    "grid": {"categoryLines": False},
    "categoryAxes": [
        {"id": "CategoryAxis-1", "type": "category", "position": "bottom", "scale": {"type": "linear"}, **_AXIS}
    ],
    "valueAxes": [
        {
            "id": "ValueAxis-1",
            "name": "LeftAxis-1",
            "type": "value",
            "position": "left",
            "scale": {"type": "linear", "mode": "normal"},
            **_AXIS,
        }
    ],
    "seriesParams": [
        {
            "show": True,
            "type": "histogram",
            "mode": "stacked",
            "data": {"id": "1", "label": ""},
            "valueAxis": "ValueAxis-1",
            "drawLinesBetweenPoints": True,
            "showCircles": True,
        }
    ],
    "addTooltip": True,
    "addLegend": True,
    "legendPosition": "right",
    "times": [],
    "addTimeMarker": False,
}


def _dashboard() -> dict[str, Any]:
    """Charts in two columns, then each search but that of all lines across the whole width."""
    shown = [("visualization", each.name) for each in _CHARTS] + [("search", each.name) for each in _SEARCHES[1:]]
    panels, references, top = [], [], 0
    for number, (kind, name) in enumerate(shown):
        chart = kind == "visualization"
        place = {"x": 24 * (number % 2) if chart else 0, "y": top, "w": 24 if chart else 48, "h": 12}
        top += 0 if chart and number % 2 == 0 else 12
        reference = f"panel_{number}"
        panels.append(
            {
                "version": _KIBANA,
                "type": kind,
                "gridData": {**place, "i": str(number)},
                "panelIndex": str(number),
                "embeddableConfig": {},
                "panelRefName": reference,
            }
        )
        references.append({"name": reference, "type": kind, "id": name})
    attributes = {
        "title": "alo",
        "description": "What a trading core decided, was told, and could not do in time",
        "hits": 0,
        "version": 1,
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "kibanaSavedObjectMeta": _source({"query": {"query": "", "language": "kuery"}, "filter": []}),
    }
    return _object("dashboard", "alo", attributes, references)
