"""Log lines to Elasticsearch: rsyslog reads the JSON files and posts each line once, however long nobody answers."""

import json
from typing import Any, Final

from alo_lib.settings.operation import OperationSettings

__all__ = ["index_template", "rsyslog"]

_KEYWORD: Final = {"type": "keyword", "ignore_above": 1024}
_WHOLE: Final = {"type": "long"}
_AMOUNT: Final = {"type": "double"}
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "@timestamp": {"type": "date"},
    "message": {"type": "match_only_text"},
    **dict.fromkeys(
        (
            *("ecs.version", "log.level", "log.logger", "event.action", "event.kind"),
            *("event.id", "event.outcome", "event.reason", "service.name", "service.type", "host.name", "user.name"),
            *("alo.journal", "alo.symbol", "alo.status", "alo.command", "alo.task", "alo.cause", "alo.policy"),
        ),
        _KEYWORD,
    ),
    **dict.fromkeys(
        ("event.duration", "event.sequence", "alo.order", "alo.trade", "alo.quantity", "alo.missed"), _WHOLE
    ),
    **dict.fromkeys(("alo.price", "alo.fee"), _AMOUNT),
}
"""What the log of a monitor has: fields of the Elastic Common Schema, and its own below ``alo``."""


def rsyslog(settings: OperationSettings, *, work: str = "/var/spool/rsyslog") -> str:
    """A configuration for /etc/rsyslog.d, which keeps in ``work`` what could not be delivered yet.

    A document's name is made of where its line stands and what it says, so a line that is posted twice, because the
    answer to the first time was lost, is one document.
    """
    of = settings.logs
    host, _, port = of.elasticsearch.rpartition(":")
    return "\n".join(
        (
            f'global(workDirectory="{work}" maxMessageSize="64k")',
            'module(load="imfile" mode="inotify")',
            'module(load="omelasticsearch")',
            'module(load="fmhash")',
            'template(name="alo-document" type="string" string="%msg%")',
            'template(name="alo-id" type="string" string="%$!metadata!fileoffset%-%$.digest%")',
            f'input(type="imfile" file="{of.folder}/*.json" tag="alo" ruleset="alo" addMetadata="on"',
            '      reopenOnTruncate="on" freshStartTail="off" persistStateInterval="100")',
            'ruleset(name="alo") {',
            "  set $.digest = hash64($msg);",
            "  # retried for ever, kept on disk meanwhile, and posted under the same name each time",
            f'  action(type="omelasticsearch" server="{host}" serverport="{port}"',
            f'         searchIndex="{of.index}" searchType=""',
            '         bulkmode="on" dynbulkid="on" bulkid="alo-id" template="alo-document"',
            '         action.resumeRetryCount="-1" action.resumeInterval="5" healthCheckTimeout="3000"',
            '         queue.type="LinkedList" queue.filename="alo-elasticsearch" queue.saveOnShutdown="on"',
            '         queue.maxDiskSpace="2g" queue.size="20000" queue.dequeueBatchSize="500")',
            "}",
            "",
        )
    )


def index_template(settings: OperationSettings) -> str:
    """For ``PUT _index_template/alo``: fields of the Elastic Common Schema, and any others by what they are."""
    content = {
        "index_patterns": [f"{settings.logs.index}*"],
        "priority": 200,
        "template": {
            "settings": {"index.number_of_shards": 1, "index.refresh_interval": "5s"},
            "mappings": {
                "dynamic_templates": [{"words": {"match_mapping_type": "string", "mapping": _KEYWORD}}],
                "properties": _nested(_FIELDS),
            },
        },
    }
    return json.dumps(content, indent=1) + "\n"


def _nested(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Properties of objects in each other, from names with dots."""
    found: dict[str, Any] = {}
    for name, kind in fields.items():
        *parents, last = name.split(".")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {"properties": {}})["properties"]
        place[last] = kind
    return found
