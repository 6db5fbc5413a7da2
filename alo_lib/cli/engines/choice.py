"""Finding engines by their name."""

from alo_lib.cli.engines.base import Engine, EngineState
from alo_lib.cli.engines.docker import DockerEngine
from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError

__all__ = ["engine_named", "goes_on", "states"]


def engine_named(name: str) -> Engine:
    """The engine of that name, ready to run. EngineError says what is missing."""
    if name == "native":
        return NativeEngine.find()
    if name == "docker":
        return DockerEngine.find(ask_daemon=True)
    return EmbeddedEngine()


def goes_on(name: str) -> bool:
    """Whether a run of the engine of that name that was cut short can be continued; the engine need not be there."""
    return any(engine.goes_on for engine in (EmbeddedEngine, NativeEngine, DockerEngine) if engine.name == name)


def states(*, ask_daemon: bool) -> list[EngineState]:
    """All engines. ``ask_daemon`` also asks Docker whether its daemon and the image are there, which takes a moment."""
    found = [EngineState("embedded", True, EmbeddedEngine().place)]
    for name, find in (("native", NativeEngine.find), ("docker", lambda: DockerEngine.find(ask_daemon=ask_daemon))):
        try:
            found.append(EngineState(name, True, find().place))
        except EngineError as error:
            found.append(EngineState(name, False, str(error)))
    return found
