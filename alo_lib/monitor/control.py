"""A person's commands over HTTP, from who knows the token of a file; a core process takes them as from ``alo command``.

The token is no password of a person's: it is made here, or by whoever keeps secrets, and whoever may read its file may
steer. It stands in no list of processes, in no log and in nothing that is served.
"""

import asyncio
import os
import secrets
import stat
from pathlib import Path
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from alo_lib.records.json_reading import json_of
from alo_lib.runtime.command_rings import NoAnswerError, ask_core
from alo_lib.runtime.link import why_not_asked
from alo_lib.runtime.steering import Answer, command_of
from alo_lib.transport import TransportError

__all__ = ["Control", "ControlError", "token_of"]

_FEWEST: Final = 32
_MOST: Final = 512
"""Characters of a token."""
_LONGEST: Final = 4_096
"""Bytes of a request's body."""
_SECONDS: Final = 10.0
"""That a client may take for the body."""
_FIELDS: Final = ("command", "limit", "confirm")


class ControlError(ValueError):
    """A token that is none; the message is one sentence, without it."""


def token_of(path: Path) -> str:
    """The token in a file, made with one where there is none: of mode 0600, and of this user alone.

    :raises ControlError: for a file that others may read, of another user's, or with what is no token.
    """
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ControlError(f"{path} cannot be made: {error.strerror}") from error
    with open(made, "w", encoding="ascii") as file:
        token = secrets.token_urlsafe(_FEWEST)
        file.write(token + "\n")
    return token


def _read(path: Path) -> str:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ControlError(f"{path} is no file; it must be one that holds a token")
            if found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o077:
                raise ControlError(
                    f"{path} belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):04o}; a token is "
                    f"read by its user alone: 'chmod 600 {path}'"
                )
            text = file.read(_MOST + 2).strip()
    except OSError as error:
        raise ControlError(f"{path} cannot be read: {error.strerror}") from error
    if not _FEWEST <= len(text) <= _MOST or any(not 33 <= each <= 126 for each in text):
        raise ControlError(f"{path} must hold a token alone, of {_FEWEST} to {_MOST} letters, digits and signs")
    return text.decode("ascii")


class Control:
    """Takes commands for the core NAME whose channel is in a folder."""

    def __init__(self, name: str, folder: Path, token: str) -> None:
        self.name = name
        self._folder = folder
        self._token = token.encode("ascii")
        self._asking = asyncio.Lock()

    async def answer(self, request: Request) -> JSONResponse:
        """Do what a request asks: a JSON object with ``command`` and, where they are needed, ``limit``, ``confirm``."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        known = secrets.compare_digest(given.encode("utf-8", "replace"), self._token)
        if not known or scheme.lower() != "bearer":
            return _problem(401, "the token is missing, or not the one that this monitor was started with")
        try:
            asked = _asked(await asyncio.wait_for(_body(request), _SECONDS))
        except ClientDisconnect:
            return _problem(400, "the client has gone")
        except TimeoutError:
            return _problem(408, f"the request did not arrive within {_SECONDS:g} s")
        except ValueError as error:
            return _problem(400, str(error))
        row = command_of(asked["command"], asked.get("limit"), asked.get("confirm"), sender="alo monitor")
        if isinstance(row, Answer):
            return _problem(400, row.sentence)
        if gone := why_not_asked(self.name, self._folder):
            return _problem(503, gone)
        try:
            async with self._asking:
                outcome = await asyncio.to_thread(ask_core, self._folder, row)
        except NoAnswerError as error:
            return _problem(504, f"{asked['command']}: {error}")
        except TransportError as error:
            return _problem(503, str(error))
        return JSONResponse(outcome.told(self.name, asked["command"]), 200 if outcome.done else 409)


async def _body(request: Request) -> bytes:
    """ValueError for one that is too long, once it is."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > _LONGEST:
            raise ValueError(f"a command has at most {_LONGEST:,} bytes")
    return bytes(found)


def _asked(body: bytes) -> dict[str, Any]:
    try:
        found = json_of(body, each_once=True)
    except ValueError as error:
        raise ValueError(f"the request {error}") from None
    if not isinstance(found, dict) or "command" not in found or set(found) - set(_FIELDS):
        raise ValueError(f"the request must be an object with command, and no more than {', '.join(_FIELDS)}")
    return found


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"done": False, "sentence": sentence}, status)
