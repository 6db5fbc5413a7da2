"""Processes forked, for each line of standard input, from one that has everything compiled."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def serve(folder: Path, run: Callable[[list[str]], int]) -> None:
    """Say that it is ready; for each line fork a process that runs its words and ends with the status, and say which.

    What a process prints is appended to the file of its first word in ``folder``.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if child := os.fork():
            print(child, flush=True)
            continue
        sys.stdin.close()
        log = open(folder / f"{words[0]}.log", "a")  # noqa: SIM115
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        status = 3
        try:
            status = run(words)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
