"""A message bus: topics, who publishes and who subscribes, declared once.

Each topic has a ring from every publisher to every subscriber, and each subscriber merges a topic's publishers in the
order in which the topic names them (:class:`~alo_lib.transport.fan_in.FanIn`). The wiring is a file next to the rings,
so every process, and whoever debugs them, has the same one.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from alo_lib.records import Message
from alo_lib.records.json_reading import json_of
from alo_lib.transport.access import make_file, make_folder, open_file, opened_folder
from alo_lib.transport.errors import RingFullError, SegmentError
from alo_lib.transport.fan_in import FanIn
from alo_lib.transport.ring import MessageProducer, MessageRing
from alo_lib.transport.words import check_capacity

__all__ = ["WIRING", "Bus", "Member", "Topic"]

WIRING: Final = "wiring.json"
"""The file that declares a bus."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LARGEST_WIRING: Final = 1 << 20


@dataclass(frozen=True)
class Topic:
    """What is published, by whom, to whom; ``capacity`` in slots of each of its rings, a power of two."""

    name: str
    publishers: tuple[str, ...]
    subscribers: tuple[str, ...]
    capacity: int = 1 << 14

    def __post_init__(self) -> None:
        for name in (self.name, *self.publishers, *self.subscribers):
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise SegmentError(
                    f"name {str(name)[:64]!r} must consist of a-z, 0-9, '-' and '_', begin with a-z or 0-9 and "
                    "have at most 64 characters"
                )
        if not isinstance(self.capacity, int) or isinstance(self.capacity, bool):
            raise SegmentError(f"topic {self.name!r} has a capacity that is no whole number")
        check_capacity(self.capacity)
        for what, names in (("publishers", self.publishers), ("subscribers", self.subscribers)):
            if not names or len(set(names)) < len(names):
                raise SegmentError(f"topic {self.name!r} must have {what}, each once, not {names}")

    def ring(self, publisher: str, subscriber: str) -> str:
        """File name of the ring from a publisher to a subscriber."""
        return f"{self.name}.{publisher}.{subscriber}.ring"


@final
class Bus:
    """The wiring in a folder. Processes take part in it with :meth:`join`."""

    def __init__(self, folder: Path, topics: Sequence[Topic]) -> None:
        self.folder = folder
        self.topics = {topic.name: topic for topic in topics}
        if len(self.topics) < len(topics):
            raise SegmentError(f"the topics {[topic.name for topic in topics]} must have different names")

    @classmethod
    def create(cls, folder: Path, topics: Sequence[Topic]) -> "Bus":
        """Declare a bus and make its rings; one that is there already must be the same.

        :raises SegmentError: when it is not.
        """
        bus = cls(folder, topics)
        make_folder(folder)
        for topic in topics:
            for publisher in topic.publishers:
                for subscriber in topic.subscribers:
                    MessageRing.ensure(folder / topic.ring(publisher, subscriber), capacity=topic.capacity).close()
        text = json.dumps([asdict(topic) for topic in topics], indent=1).encode()
        new = f".{WIRING}.{os.getpid()}.{secrets.token_hex(4)}.new"
        with opened_folder(folder) as place:
            try:
                with os.fdopen(make_file(new, place), "wb") as file:
                    file.write(text)
                os.link(new, WIRING, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
            except FileExistsError:
                if cls.open(folder).topics != bus.topics:
                    raise SegmentError(
                        f"{folder / WIRING} declares another bus; remove the folder to make this one"
                    ) from None
            finally:
                os.unlink(new, dir_fd=place)
        return bus

    @classmethod
    def open(cls, folder: Path) -> "Bus":
        """Read the wiring in a folder.

        :raises SegmentError: when there is none, it is no wiring, or it is not this user's alone.
        """
        path = folder / WIRING
        with opened_folder(folder) as place:
            try:
                with os.fdopen(open_file(path, place, writable=False), "rb") as file:
                    text = file.read(_LARGEST_WIRING + 1)
            except FileNotFoundError:
                raise SegmentError(f"{folder} holds no bus: {WIRING} is missing") from None
            except OSError as error:
                raise SegmentError(f"{path} cannot be read: {error.strerror}") from None
        if len(text) > _LARGEST_WIRING:
            raise SegmentError(f"{path} has more than {_LARGEST_WIRING:,} bytes, more than any wiring needs")
        try:
            declared = json_of(text)
        except ValueError as error:
            raise SegmentError(f"{path} declares no bus: it {error}") from None
        return cls(folder, _topics(path, declared))

    def join(self, name: str, *, force: bool = False) -> "Member":
        """Take part under a declared name: own its side of each of its rings.

        :raises NotOwnerError: while another process has one of them.
        :raises SegmentError: for a name that was not declared, or a ring that is not there.
        """
        return Member(self, name, force)


def _topics(path: Path, declared: object) -> list[Topic]:
    """What a file declares, whose every field is looked at before anything is made of it."""
    fields = {"name": str, "publishers": list, "subscribers": list, "capacity": int}
    whole = isinstance(declared, list) and all(
        isinstance(each, dict)
        and each.keys() == fields.keys()
        and all(isinstance(each[field], kind) for field, kind in fields.items())
        for each in declared
    )
    if not isinstance(declared, list) or not whole:
        raise SegmentError(f"{path} declares no bus: it must be a list of topics with {', '.join(fields)}")
    return [
        Topic(each["name"], tuple(each["publishers"]), tuple(each["subscribers"]), each["capacity"])
        for each in declared
    ]


@final
class Member:
    """A process on the bus, until it is closed."""

    def __init__(self, bus: Bus, name: str, force: bool) -> None:
        self.bus = bus
        self.name = name
        self._rings: list[MessageRing] = []
        self._outputs: dict[str, dict[str, MessageProducer]] = {}
        self._inputs: dict[str, FanIn] = {}
        known = sorted({who for topic in bus.topics.values() for who in (*topic.publishers, *topic.subscribers)})
        if name not in known:
            raise SegmentError(f"{name!r} is not on the bus in {bus.folder}; {', '.join(known)} are")
        try:
            for topic in bus.topics.values():
                if name in topic.publishers:
                    self._outputs[topic.name] = {
                        who: self._ring(topic.ring(name, who)).produce(name, force=force) for who in topic.subscribers
                    }
                if name in topic.subscribers:
                    self._inputs[topic.name] = FanIn(
                        [self._ring(topic.ring(who, name)).consume(name, force=force) for who in topic.publishers]
                    )
        except BaseException:
            self.close()
            raise

    def publish(self, topic: str, message: Message) -> None:
        """Send a message to all subscribers or, raising RingFullError with the name of one that is behind, to none."""
        outputs = self._outputs.get(topic)
        if outputs is None:
            raise SegmentError(
                f"{self.name} does not publish {topic!r}; it publishes {', '.join(self._outputs) or 'nothing'}"
            )
        need = MessageProducer.slots(message)
        for subscriber, producer in outputs.items():
            if producer.free < need:
                raise RingFullError(
                    f"a message of {need} slots on {topic!r} does not fit: {subscriber} is {producer.waiting} slots "
                    f"behind, of {producer.ring.capacity}"
                )
        for producer in outputs.values():
            producer.push(message)

    def drain(self, topic: str, until: int | None = None) -> Iterator[Message]:
        """What waits on a topic, merged; see :meth:`FanIn.drain`."""
        fan_in = self._inputs.get(topic)
        if fan_in is None:
            raise SegmentError(
                f"{self.name} does not subscribe to {topic!r}; it subscribes to {', '.join(self._inputs) or 'nothing'}"
            )
        return fan_in.drain(until)

    def close(self) -> None:
        """Leave the bus. What waits in its rings stays."""
        for outputs in self._outputs.values():
            for producer in outputs.values():
                producer.close()
        for fan_in in self._inputs.values():
            for consumer in fan_in.consumers:
                consumer.close()
        for ring in self._rings:
            ring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ring(self, file: str) -> MessageRing:
        ring = MessageRing.open(self.bus.folder / file)
        self._rings.append(ring)
        return ring
