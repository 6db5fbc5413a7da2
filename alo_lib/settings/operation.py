"""What a host and its processes are set to: one JSON file, which the core, the monitor and what is deployed share.

The settings of a run (:class:`alo_lib.settings.Settings`) stand in it below ``settings``; nothing else in it decides.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    field_validator,
)

from alo_lib.records.json_reading import json_of
from alo_lib.records.spelling import meant, spelled, unspelled
from alo_lib.settings.settings import Settings, SettingsError
from alo_lib.settings.units import CORE_NAME

__all__ = [
    "STARTING_MINUTES",
    "AlertOptions",
    "CoreOptions",
    "DeployOptions",
    "LimitOptions",
    "LogOptions",
    "MonitorOptions",
    "OperationSettings",
    "described",
]

STARTING_MINUTES: Final = 15
"""Until its first frame: a core decides the rest of its journal again. Neither systemd nor a standby ends it before."""

_PORT: Final = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")
_ABSOLUTE: Final = re.compile(r"/[\w./@+-]*")
_MOST_BYTES: Final = 1 << 20


def _address(value: str) -> str:
    found = _PORT.fullmatch(value)
    if not found or not 1 <= int(found["port"]) <= 65_535:
        raise ValueError(value)
    return value


def _absolute(value: str) -> str:
    if not _ABSOLUTE.fullmatch(value) or ".." in value.split("/"):
        raise ValueError(value)
    return value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(value)  # true is no 1, and "3" no 3
    return value


Address = Annotated[str, AfterValidator(_address)]
Absolute = Annotated[str, AfterValidator(_absolute)]
Whole = Annotated[int, BeforeValidator(_no_bool)]
Amount = Annotated[float, BeforeValidator(_no_bool)]


class _Group(BaseModel):
    """Settings of one part; a field's description says what it may be, in the words that errors and documents use."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=spelled, validate_by_name=False, validate_by_alias=True
    )


class CoreOptions(_Group):
    """How ``alo core`` runs; each is its option of that name."""

    name: str = Field("core", pattern=CORE_NAME, description="up to 32 letters, digits and _, the first no digit")
    processor: Whole | None = Field(None, ge=0, description="the processor that is the core's, from 0; or null")
    priority: Whole = Field(80, ge=0, le=99, description="SCHED_FIFO's, from 0 to 99; 0 leaves it normal")
    spin: Amount | None = Field(None, ge=0, le=10_000, description="microseconds spun, from 0 to 10,000; or null")
    durability: Literal["every", "group", "os"] = Field("group", description="every, group or os")
    folder: Absolute | None = Field(None, description="the shared memory's folder, an absolute path; or null")
    journal: Absolute | None = Field(None, description="the journal's folder, an absolute path; or null")
    budgets: dict[str, Amount] = Field({}, description="milliseconds by task, as alo schedule lists them")
    on_overrun: dict[str, str] = Field({}, description="finish, skip, degrade or stop by task")
    lease: Amount = Field(3.0, ge=0.05, le=600, description="seconds without a heartbeat, from 0.05 to 600")
    watchdog: Whole = Field(10, ge=2, le=600, description="seconds without a heartbeat, from 2 to 600")

    @field_validator("budgets", "on_overrun")
    @classmethod
    def _of_tasks(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not all(re.fullmatch(r"[\w-]{1,64}", name) for name in value):
            raise ValueError(value)
        return value


class LimitOptions(_Group):
    """What units and containers may take."""

    memory: Whole = Field(4096, ge=512, le=1 << 20, description="MiB of the core, from 512 to 1,048,576")
    processors: Whole = Field(2, ge=1, le=1024, description="whole processors of the core, from 1 to 1,024")
    real_time: StrictBool = Field(False, description="true or false: whether containers ask for rtprio and memlock")
    open_files: Whole = Field(4096, ge=256, le=1 << 20, description="from 256 to 1,048,576")


class MonitorOptions(_Group):
    """How ``alo monitor`` serves."""

    listen: Address = Field("127.0.0.1:9464", description="HOST:PORT")
    control: Absolute | None = Field(None, description="the file of the token for commands, an absolute path; or null")


class AlertOptions(_Group):
    """Who scrapes, who tells, and whom."""

    prometheus: Address = Field("127.0.0.1:9090", description="HOST:PORT that Prometheus listens on")
    alertmanager: Address = Field("127.0.0.1:9093", description="HOST:PORT that Alertmanager listens on")
    webhook: str = Field(
        "http://127.0.0.1:9099/",
        pattern=r"^https?://[\w.:/-]+$",
        description="the http(s) URL that alerts are posted to, no secret in it",
    )
    lag: Whole = Field(1000, ge=1, le=1 << 40, description="messages journaled and not on disk, from 1")
    stale: Whole = Field(180, ge=1, le=86_400, description="seconds without data in a session, from 1 to 86,400")
    drawdown: Amount = Field(0.8, gt=0, le=1, description="share of max-drawdown, above 0 up to 1")


class LogOptions(_Group):
    """Where a monitor writes log lines, and where they are sent."""

    folder: Absolute = Field("/var/log/alo", description="the folder of JSON lines, an absolute path")
    elasticsearch: Address = Field("127.0.0.1:9200", description="HOST:PORT of a bulk endpoint")
    index: str = Field("alo", pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="the index's name, lower case")


class DeployOptions(_Group):
    """Where things are on the machine that they are deployed to."""

    project: Absolute = Field("/opt/alo", description="this project's folder there, an absolute path")
    user: str = Field("alo", pattern=r"^[a-z_][a-z0-9_-]{0,31}$", description="a user's name, not root")
    state: Absolute = Field("/var/lib/alo", description="journals and results, an absolute path")
    data: Absolute = Field("/var/lib/alo/data", description="LEAN's data folder there, an absolute path")
    image: str = Field("alo:local", pattern=r"^[\w./:@-]+$", description="the name of this project's image")
    base_image: str = Field(
        "python:3.11-slim-bookworm", pattern=r"^[\w./:@-]+$", description="the image that it is built on"
    )
    lean_image: str = Field("quantconnect/lean:17200", pattern=r"^[\w./:@-]+$", description="LEAN's image, with a tag")
    data_queue: str = Field(
        "QuantConnect.Lean.Engine.DataFeeds.Queues.FakeDataQueue",
        pattern=r"^[\w.]+$",
        description="LEAN's source of live data",
    )
    prometheus_image: str = Field("prom/prometheus:v2.53.4", pattern=r"^[\w./:@-]+$", description="with a tag")
    alertmanager_image: str = Field("prom/alertmanager:v0.27.0", pattern=r"^[\w./:@-]+$", description="with a tag")
    namespace: str = Field("alo", pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", description="Kubernetes's")
    standby: StrictBool = Field(True, description="true or false: whether a second core stands by for the first")
    storage: Whole = Field(20, ge=1, le=65_536, description="GiB for journals, from 1 to 65,536")

    @field_validator("user")
    @classmethod
    def _nobody_mighty(cls, value: str) -> str:
        if value == "root":
            raise ValueError(value)
        return value


class OperationSettings(_Group):
    """All of it."""

    core: CoreOptions = CoreOptions()
    limits: LimitOptions = LimitOptions()
    monitor: MonitorOptions = MonitorOptions()
    alerts: AlertOptions = AlertOptions()
    logs: LogOptions = LogOptions()
    deploy: DeployOptions = DeployOptions()
    settings: dict[str, Any] = Field({}, description="settings of the run, as alo backtest --settings lists them")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The settings of a file.

        :raises SettingsError: in one sentence that names the file, the setting, its value and what is allowed.
        :raises OSError: for a file that cannot be read.
        """
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise SettingsError(f"{path} has more than {_MOST_BYTES:,} bytes; it is no settings of alo")
        try:
            content = json_of(text, each_once=True)
        except ValueError as error:
            raise SettingsError(f"{path} {error}") from None
        if not isinstance(content, dict):
            raise SettingsError(f"{path} holds a JSON {type(content).__name__}; it must hold an object")
        return cls.of(content, str(path))

    @classmethod
    def of(cls, content: dict[str, Any], file: str) -> Self:
        """The settings of an object.

        :raises SettingsError: as :meth:`read`.
        """
        try:
            found = cls.model_validate(content)
        except ValidationError as error:
            raise SettingsError(_sentence(error, file)) from None
        try:
            Settings.of(found.settings)
        except SettingsError as error:
            raise SettingsError(f"settings in {file}: {error}") from None
        return found

    def as_object(self) -> dict[str, Any]:
        """Everything, defaults too, as a file has it."""
        return self.model_dump(by_alias=True, mode="json")


def described() -> dict[str, str]:
    """What each setting may be, by its name with that of its group: ``core.priority``."""
    return {
        f"{spelled(group)}.{spelled(name)}": field.description or ""
        for group, part in OperationSettings.model_fields.items()
        if isinstance(part.annotation, type) and issubclass(part.annotation, _Group)
        for name, field in part.annotation.model_fields.items()
    } | {"settings": OperationSettings.model_fields["settings"].description or ""}


def _sentence(error: ValidationError, file: str) -> str:
    first = error.errors()[0]
    path = [unspelled(str(part)) for part in first["loc"]]
    name, value = ".".join(map(spelled, path[:2])), first["input"]
    known = described()
    if first["type"] == "extra_forbidden":
        close = meant(name, [*known, *OperationSettings.model_fields])
        groups = ", ".join(OperationSettings.model_fields)
        return f"unknown setting {name!r} in {file}" + (
            f"; did you mean {close}?" if close else f"; there are {groups}"
        )
    allowed = known.get(name, "an object of settings")
    within = f" has {value!r} for {path[2]}" if len(path) > 2 and path[1] in ("budgets", "on_overrun") else None
    return f"setting {name} in {file}{within or f' is {value!r}'}; allowed: {allowed}"
