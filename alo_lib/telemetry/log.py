"""Structured log lines, for people or for programs, to as many outputs as a run needs.

Nothing is configured globally: :func:`open_log` returns a logger that knows its outputs, so importing this module, or
opening a second log, changes nothing for anybody else.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

__all__ = ["LogOutput", "json_line", "open_log"]

ECS: Final = "8.11.0"
"""The version of the Elastic Common Schema by which fields of JSON lines are named."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True)
class LogOutput:
    """Where lines go and how they look.

    ``stream`` is asked for at every line, so that an output follows whoever has replaced ``sys.stderr`` meanwhile (a
    progress bar does).
    """

    stream: Callable[[], TextIO]
    style: Literal["human", "json"] = "human"
    level: Literal["debug", "info", "warning", "error"] = "info"

    def write(self, event: EventDict) -> None:
        """Write one event as one line, when its level is high enough."""
        if _LEVELS[event["level"]] >= _LEVELS[self.level]:
            print(_RENDERERS[self.style](None, "", dict(event)), file=self.stream(), flush=True)


_JSON: Final = structlog.processors.JSONRenderer()


def json_line(fields: EventDict) -> str:
    """One JSON object of fields that are named by the Elastic Common Schema, with its version."""
    return str(_JSON(None, "", {**fields, "ecs.version": ECS}))


_NAMES: Final = {
    "timestamp": "@timestamp",
    "level": "log.level",
    "event": "message",
    "exception": "error.stack_trace",
}
"""Names of the Elastic Common Schema for what structlog calls otherwise."""


def _for_programs(_logger: Any, _method: str, event: EventDict) -> str:
    return json_line({_NAMES.get(name, name): value for name, value in event.items()})


_RENDERERS: dict[str, Processor] = {
    "human": structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False),
    "json": _for_programs,
}


def open_log(*outputs: LogOutput) -> FilteringBoundLogger:
    """A logger whose events go to each of ``outputs``, stamped with the time in UTC and their level."""

    def write(_logger: Any, _method: str, event: EventDict) -> EventDict:
        for output in outputs:
            output.write(event)
        raise structlog.DropEvent

    logger: FilteringBoundLogger = structlog.wrap_logger(
        None,
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            write,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return logger
