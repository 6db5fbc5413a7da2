"""Days of a live account, played back fast, once left alone and once struck every day.

``python -m tests.live.soak RESULTS --days 10 --host lean`` plays simulated days of minutes to two accounts, 100 times
as fast as they would pass. One is left alone. The other is killed and started again, upgraded, cut off from its broker,
and finds its journal damaged, each once a day. ``RESULTS`` keeps a line of JSON for each day and account, and the
accounts as they were at the end of each day: a command that was ended goes on behind the last whole day. A table is
printed at the end: what both hold, have and were filled, and what the processes took.
"""

import argparse
import datetime as dt
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.live.soaked_account import ALONE, STRUCK, SoakedAccount
from tests.live.soaked_market import days_of, make_market

__all__ = ["main", "soak", "table"]

_ALIVE: Final = list[SoakedAccount]()


def told(results: Path) -> list[dict[str, Any]]:
    """The lines of days that were played to their end."""
    path = results / "days.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def soak(
    results: Path,
    days: int,
    host: str,
    speed: float,
    accounts: Sequence[str] = (ALONE, STRUCK),
    *,
    short: bool = False,
    store_bytes: int = 0,
) -> list[dict[str, Any]]:
    """Play what of the days is not told of yet to the accounts, side by side; returns all lines of this host.

    LEAN's object store keeps ``store_bytes``; 0 for as many as LEAN allows.
    """
    results.mkdir(parents=True, exist_ok=True)
    market = make_market(results / "market")
    gate, failures = threading.Lock(), list[BaseException]()

    def play(what: str) -> None:
        done = [line for line in told(results) if (line["host"], line["account"]) == (host, what)]
        place = results / host / what
        account = SoakedAccount(place, market, host, what, speed, short=short, store_bytes=store_bytes)
        _ALIVE.append(account)
        try:
            if done:
                account.go_back(done[-1]["day"])
            for day in days_of(days)[len(done) :]:
                line = account.play(day)
                with gate, (results / "days.jsonl").open("a") as file:
                    file.write(json.dumps({"host": host, "account": what, **line}) + "\n")
                account.keep(day)
        except BaseException as error:  # said by who waits for both
            failures.append(error)
        finally:
            _ALIVE.remove(account)
            account.close()

    threads = [threading.Thread(target=play, args=(what,), name=what) for what in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [line for line in told(results) if line["host"] == host]


def differences(alone: dict[str, Any], struck: dict[str, Any]) -> list[str]:
    """What the two accounts have otherwise at a day's end."""
    found = []
    for symbol in sorted({*alone["held"], *struck["held"]}):
        one, other = (line["held"].get(symbol, 0) for line in (alone, struck))
        if one != other:
            found.append(f"{other} {symbol} for {one}")
    if alone["cash"] != struck["cash"]:
        found.append(f"cash {struck['cash'] - alone['cash']:+,.2f}")
    one, other = (len(line["fills"]) for line in (alone, struck))
    return [*found, f"{other} fills for {one}"] if one != other else found


_COLUMNS: Final = "{:<11}{:>7}{:>8}{:>15}{:>10}{:>10}{:>10}  {}"


def table(lines: list[dict[str, Any]]) -> str:
    """The two accounts day by day."""
    rows = [_COLUMNS.format("day", "fills", "same", "cash", "LEAN MiB", "core MiB", "messages", "what differs")]
    by_account = {what: {line["day"]: line for line in lines if line["account"] == what} for what in (ALONE, STRUCK)}
    for day, alone in by_account[ALONE].items():
        struck = by_account[STRUCK].get(day)
        if struck is None:
            continue
        same = len(set(map(tuple, alone["fills"])) & set(map(tuple, struck["fills"])))
        memory = [alone["memory"].get(name) for name in ("lean", "core")]
        rows.append(
            _COLUMNS.format(
                day,
                len(alone["fills"]),
                same,
                f"{alone['cash']:,.2f}",
                *("" if each is None else f"{each / 2**20:,.0f}" for each in memory),
                alone["messages"],
                "; ".join(differences(alone, struck)) or "nothing",
            )
        )
    return "\n".join(rows)


def _end(number: int, frame: object) -> None:
    """Leave no process behind; the day that is played is played again."""
    for account in _ALIVE:
        account.kill()
    os._exit(128 + number)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", type=Path, help="folder of what is kept; a soak goes on in it where it was ended")
    parser.add_argument("--days", type=int, default=10, choices=range(1, 11), help="simulated days (default 10)")
    parser.add_argument("--host", choices=("lean", "core"), default="lean", help="who decides: LEAN, or 'alo core'")
    parser.add_argument("--speed", type=float, default=100.0, help="how many times as fast as they would pass")
    parser.add_argument("--only", choices=(ALONE, STRUCK), help="play the days to one account alone")
    parser.add_argument(
        "--short", action="store_true", help="play the first hour of each day, with all that befalls it"
    )
    given = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    began = dt.datetime.now(dt.UTC)
    accounts = (given.only,) if given.only else (ALONE, STRUCK)
    lines = soak(given.results.absolute(), given.days, given.host, given.speed, accounts, short=given.short)
    print(table(lines))
    print(f"{(dt.datetime.now(dt.UTC) - began).total_seconds():,.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
