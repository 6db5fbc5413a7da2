"""Names of a market made by processes side by side: they share nothing but the folder, where each has its own files."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from alo_lib.market.faults import DataError
from alo_lib.market.generator.half_made import Made

__all__ = ["Make", "Progress", "make_side_by_side"]

Progress = Callable[[str, date], None]
Make = Callable[[Progress], Made]
"""Makes one name, and tells the ticker and day of each session that is done. Another process can be given it."""

_SPAWN: Final = get_context("spawn")  # a copy of this process would have its threads' locks, and not its threads


def make_side_by_side(
    makers: Mapping[str, Make], workers: int, progress: Progress | None, keep: Callable[[str, Made], None]
) -> None:
    """Make names, so many at a time; ``keep`` is told of each that is whole.

    What is still at work when one fails, or this is interrupted, is ended; what it raised is raised here.

    :raises DataError: when a process ends without a word, as one that is killed.
    """
    waiting = list(makers.items())
    working: dict[Connection, tuple[str, SpawnProcess]] = {}
    try:
        while waiting or working:
            while waiting and len(working) < workers:
                ticker, make = waiting.pop(0)
                ours, theirs = _SPAWN.Pipe(duplex=False)
                process = _SPAWN.Process(target=_make, args=(make, theirs), name=f"alo-{ticker}", daemon=True)
                process.start()
                theirs.close()
                working[ours] = ticker, process
            for pipe in wait(list(working)):
                assert isinstance(pipe, Connection)
                ticker, process = working[pipe]
                _hear(pipe, ticker, progress, keep)
                if pipe.closed:
                    process.join()
                    del working[pipe]
    finally:
        for _, process in working.values():
            process.kill()
            process.join()


def _hear(pipe: Connection, ticker: str, progress: Progress | None, keep: Callable[[str, Made], None]) -> None:
    """Hear one thing from a process; its pipe is closed by the last."""
    try:
        told = pipe.recv()
    except EOFError:
        raise DataError(
            f"the process that made {ticker} was ended from outside; what is whole is kept, so the same command goes on"
        ) from None
    if isinstance(told, BaseException):
        raise told
    if isinstance(told, Made):
        keep(ticker, told)
        pipe.close()
    elif progress is not None:
        progress(ticker, told)


def _make(make: Make, pipe: Connection) -> None:
    """In a process of its own: nobody hears it when whoever asked is gone, and then it ends."""
    told: Made | Exception
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            told = make(lambda _, day: pipe.send(day))
        except BrokenPipeError:
            return
        except Exception as error:
            told = error
        pipe.send(told)
