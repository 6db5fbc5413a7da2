"""The page, its stream of events, metrics and probes, over HTTP, in no process of a run.

It is read-only but where it was started with a :class:`~alo_lib.monitor.control.Control`.
"""

import asyncio
import contextlib
import ipaddress
import resource
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from alo_lib.journal import JournalError
from alo_lib.monitor.control import Control
from alo_lib.monitor.event_log import EventLog
from alo_lib.monitor.exposition import exposition
from alo_lib.monitor.page import STYLE, page_of, script_of
from alo_lib.monitor.view import Monitor
from alo_lib.monitor.watching import Watching, json_bytes
from alo_lib.settings import SettingsError
from alo_lib.views.run import RunError

__all__ = ["ListenError", "Listening", "application", "listening_of", "serve"]

MOST_STREAMS: Final = 2_000
"""Pages that may follow at once; more are refused with 503."""
_HASTE: Final = 10.0
"""Seconds that a client may take for its request, and to take an event of a stream."""
_QUIET: Final = 10.0
"""Seconds after which a stream without news says that it lives."""
_DESCRIPTORS: Final = 8_192
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Connection": "close",
}
_RAW_HEADERS: Final = tuple((name.lower().encode(), value.encode()) for name, value in _HEADERS.items())
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]", "::1")
_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"


class ListenError(ValueError):
    """An address that cannot be listened on; the message is one sentence."""


class Listening(NamedTuple):
    """Where a server listens."""

    host: str
    port: int  # 0 for any that is free

    @property
    def local(self) -> bool:
        """Whether nobody but this machine is heard."""
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    @property
    def hosts(self) -> Sequence[str]:
        """Names under which it may be asked. A page of another name, led here by its own name server, is refused."""
        return _LOOPBACK if self.local else ("*",)


def listening_of(text: str) -> Listening:
    """``HOST:PORT``, where HOST is ``localhost`` or an address, one of version 6 in brackets.

    :raises ListenError: for anything else.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else -1
    try:
        if host != "localhost":
            ipaddress.ip_address(host)
        if not 0 <= number < 65_536:
            raise ValueError
    except ValueError:
        raise ListenError(f"{text!r} must be an address and a port from 0 to 65535, such as 127.0.0.1:9464") from None
    return Listening(host, number)


def application(watching: Watching, hosts: Sequence[str] = _LOOPBACK, control: Control | None = None) -> Starlette:
    """The server's routes, over what is being watched."""

    def text(content: str, kind: str) -> Any:
        async def give(request: Request) -> Response:
            return Response(content, media_type=kind)

        return give

    async def state(request: Request) -> Response:
        return Response(watching.latest or b"{}", media_type="application/json")

    async def risk(request: Request) -> Response:
        try:
            return Response(json_bytes(await watching.risk()), media_type="application/json")
        except (RunError, JournalError, SettingsError) as error:
            return JSONResponse({"problem": str(error)}, 503)

    async def metrics(request: Request) -> Response:
        if watching.seen is None or watching.problem:
            return JSONResponse({"problem": watching.problem or "nothing was seen yet"}, 503)
        content = await asyncio.to_thread(exposition, watching.seen, watching.streams)
        return Response(content, media_type=_METRICS)

    async def health(request: Request) -> Response:
        return JSONResponse({"healthy": watching.healthy}, 200 if watching.healthy else 503)

    async def ready(request: Request) -> Response:
        phase = None if watching.seen is None else watching.seen.told["phase"]
        told = {"ready": watching.ready, "phase": phase, "problem": watching.problem}
        return JSONResponse(told, 200 if watching.ready else 503)

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(watching.run())
        try:
            yield
        finally:
            looking.cancel()

    routes = [
        Route("/", text(page_of(control=control is not None), "text/html")),
        Route("/monitor.js", text(script_of(control=control is not None), "text/javascript")),
        Route("/monitor.css", text(STYLE, "text/css")),
        Route("/state.json", state),
        Route("/risk.json", risk),
        Route("/events", _Events(watching), methods=["GET"]),
        Route("/metrics", metrics),
        Route("/health", health),
        Route("/ready", ready),
    ]
    if control is not None:
        routes.append(Route("/command", _steering(control), methods=["POST"]))
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    return Starlette(routes=routes, middleware=[Middleware(_WithHeaders), trusted], lifespan=life)


def _steering(control: Control) -> Any:
    async def steer(request: Request) -> Response:
        return await control.answer(request)

    return steer


class _WithHeaders:
    """Gives every response the headers of this server, also those that its library makes of what it refuses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def give(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_RAW_HEADERS]
            await send(message)

        await self._app(scope, receive, give)


class _Events:
    """A stream of what is told, an event a look. A reader that takes none for long is let go of."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watching = self._watching
        if watching.streams >= MOST_STREAMS:
            refused: ASGIApp = JSONResponse({"problem": f"{MOST_STREAMS} pages follow already"}, 503)
            await refused(scope, receive, send)
            return
        watching.streams += 1
        gone = asyncio.create_task(_gone(receive))
        try:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            number = 0
            while not gone.done():
                told = await watching.next(number, _QUIET)
                body = b"data: " + watching.latest + b"\n\n" if told > number else b": alive\n\n"
                number = told
                event: Message = {"type": "http.response.body", "body": body, "more_body": True}
                await asyncio.wait_for(send(event), _HASTE)
        except (TimeoutError, OSError):
            pass  # it does not read
        finally:
            watching.streams -= 1
            gone.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Hasty(H11Protocol):  # type: ignore[misc]
    """Lets go of who has not sent the head of a request in time; a response ends its connection, so each is new."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._haste = self.loop.call_later(_HASTE, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        self._haste.cancel()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        if self.cycle is None:
            self.transport.close()


class _Server(uvicorn.Server):  # type: ignore[misc]
    """Says where it listens once it does."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        for server in self.servers if self.started else ():
            for socket in server.sockets:
                host, port, *_ = socket.getsockname()
                shown = f"[{host}]" if ":" in host else host
                print(f"http://{shown}:{port}/", flush=True)


def serve(monitor: Monitor, listening: Listening, token: str | None = None, log: EventLog | None = None) -> bool:
    """Serve until a signal ends it, and take commands of who knows the ``token``, where there is one.

    With each look the ``log`` gets its lines, where there is one. The address is printed once it listens. Returns False
    where it could not listen.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    async def run() -> bool:
        watching, source = Watching(monitor, log), monitor.source
        control = None if token is None else Control(source.name, source.folder, token)
        config = uvicorn.Config(
            application(watching, listening.hosts, control),
            host=listening.host,
            port=listening.port,
            http=_Hasty,
            ws="none",
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            backlog=2_048,
        )
        server = _Server(config)
        await server.serve()
        return bool(server.started)

    return asyncio.run(run())
