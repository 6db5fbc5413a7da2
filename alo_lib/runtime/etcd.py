"""Leases and keys of etcd, in the JSON that its servers speak beside gRPC (etcd 3.4 and later, its "gRPC gateway").

What ``etcdctl`` is told by its environment holds here, too: ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY name the files
of https, ETCDCTL_USER is ``name:password``, or the name alone beside ETCDCTL_PASSWORD.
"""

import base64
import json
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from alo_lib.records.json_reading import json_of

__all__ = ["Etcd", "EtcdError", "Granted", "Held"]

_MOST: Final = 1 << 16
"""Bytes of an answer; what is asked has answers of hundreds."""
_QUOTED: Final = 200
_ODD: Final = "answers what is no answer of etcd"
_NOT_FOUND: Final = 5
"""A code of gRPC."""
_TOKEN_REFUSED: Final = (3, 16)
"""Codes of gRPC for a token that has ended, or that is of before users were changed (and for other things)."""


class EtcdError(OSError):
    """No server answered, or one refused, in a sentence."""


class Granted(NamedTuple):
    """A lease, and how long it lasts unless it is renewed."""

    lease: int
    seconds: int


class Held(NamedTuple):
    """A key's value, and the lease that it ends with; 0 for none."""

    value: str
    lease: int


class _RefusedError(EtcdError):
    """A server understood, and refused."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


class Etcd:
    """A client of the servers at ``endpoints``, URLs, each of which has ``timeout`` seconds for each part of an answer.

    The one that answered last is asked first. What is asked may take longer than that: the system looks names up.

    :raises EtcdError: for files of https that cannot be read.
    """

    def __init__(self, endpoints: Sequence[str], timeout: float, environment: Mapping[str, str]) -> None:
        self._endpoints = list(endpoints)
        self._timeout = timeout
        self._user, _, password = environment.get("ETCDCTL_USER", "").partition(":")
        self._password = environment.get("ETCDCTL_PASSWORD", "") or password
        self._token = ""
        self._opener = _opener(endpoints, environment)

    def grant(self, seconds: int) -> Granted:
        """A new lease; servers have a least one, so it may last longer than asked for.

        :raises EtcdError: as each method.
        """
        told = self._ask("lease/grant", {"TTL": str(seconds)})
        granted = Granted(_number(told, "ID"), _number(told, "TTL"))
        if not (granted.lease and granted.seconds):  # a key of no lease would stay for ever
            raise self._odd()
        return granted

    def keep_alive(self, lease: int) -> int:
        """Renew a lease. Returns how many seconds it lasts from now; 0 where it has ended.

        One server answers that alone, and some that have just lost the majority still do: what counts is what is
        :meth:`read` afterwards.
        """
        told = self._ask("lease/keepalive", {"ID": str(lease)}).get("result")
        if not isinstance(told, dict):
            raise self._odd()
        return _number(told, "TTL")

    def revoke(self, lease: int) -> None:
        """End a lease, and the keys that have it; one that has ended stays so."""
        try:
            self._ask("lease/revoke", {"ID": str(lease)})
        except _RefusedError as error:
            if error.code != _NOT_FOUND:
                raise

    def read(self, key: str) -> Held | None:
        """What a key has; None where there is none."""
        return _held(self._ask("kv/range", {"key": _coded(key)}))

    def create(self, key: str, value: str, lease: int) -> bool:
        """Give a key a value for as long as a lease lasts, unless it has one. Returns whether that was done."""
        absent = {"key": _coded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
        put = {"request_put": {"key": _coded(key), "value": _coded(value), "lease": str(lease)}}
        return self._ask("kv/txn", {"compare": [absent], "success": [put]}).get("succeeded") is True

    def _odd(self) -> EtcdError:
        return EtcdError(f"{self._endpoints[0]} {_ODD}")

    # How it is asked -------------------------------------------------------------------------------------------------

    def _ask(self, what: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        unheard = ""
        for endpoint in tuple(self._endpoints):
            try:
                told = self._ask_with_token(endpoint, what, asked)
            except _RefusedError:
                raise
            except EtcdError as error:
                unheard = f"{unheard}; {error}" if unheard else str(error)
                continue
            self._endpoints.remove(endpoint)
            self._endpoints.insert(0, endpoint)
            return told
        raise EtcdError(unheard)

    def _ask_with_token(self, endpoint: str, what: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if self._user and not self._token:
            self._authenticate(endpoint)
        try:
            return self._post(endpoint, what, asked)
        except _RefusedError as error:
            if not self._user or error.code not in _TOKEN_REFUSED:
                raise
        self._authenticate(endpoint)  # a token ends after some minutes
        return self._post(endpoint, what, asked)

    def _authenticate(self, endpoint: str) -> None:
        self._token, who = "", {"name": self._user, "password": self._password}
        token = self._post(endpoint, "auth/authenticate", who).get("token")
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            raise EtcdError(f"{endpoint} {_ODD}")
        self._token = token

    def _post(self, endpoint: str, what: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        asking, headers = json.dumps(asked).encode(), {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = self._token
        try:
            request = Request(f"{endpoint}/v3/{what}", asking, headers)
            with self._opener.open(request, timeout=self._timeout) as response:
                told = response.read(_MOST)
        except HTTPError as error:
            raise _refusal(endpoint, error) from None
        except (OSError, HTTPException, ValueError) as error:  # no connection, no answer in time, no HTTP, or no host
            raise EtcdError(f"{endpoint} does not answer ({_reason(error)})") from None
        return _object(endpoint, told)


def _opener(endpoints: Sequence[str], environment: Mapping[str, str]) -> OpenerDirector:
    """What opens connections: to the servers themselves, whatever proxies the environment names."""
    handlers: list[Any] = [ProxyHandler({}), _Stay()]
    if any(endpoint.startswith("https:") for endpoint in endpoints):
        authority, certificate = environment.get("ETCDCTL_CACERT"), environment.get("ETCDCTL_CERT")
        try:
            context = ssl.create_default_context(cafile=authority or None)
            if certificate:
                context.load_cert_chain(certificate, environment.get("ETCDCTL_KEY") or None)
        except OSError as error:  # ssl.SSLError is one
            named = ", ".join(path for path in (authority, certificate, environment.get("ETCDCTL_KEY")) if path)
            raise EtcdError(f"the certificates of etcd cannot be read: {named}: {_reason(error)}") from None
        handlers.append(HTTPSHandler(context=context))
    return build_opener(*handlers)


class _Stay(HTTPRedirectHandler):
    """Follows nobody elsewhere: a token is for the servers that are named."""

    def redirect_request(self, *told: object) -> None:
        """None: what was answered is an error."""


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _held(told: Mapping[str, Any]) -> Held | None:
    found = told.get("kvs")
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        return None
    try:
        value = base64.b64decode(str(found[0].get("value", ""))).decode(errors="replace")
    except ValueError:
        value = ""
    return Held(_quoted(value), _number(found[0], "lease"))


def _quoted(text: str) -> str:
    """The beginning of what somebody else wrote, without what a terminal would obey."""
    return "".join(filter(str.isprintable, text))[:_QUOTED]


def _number(told: Mapping[str, Any], name: str) -> int:
    """A whole number, which JSON of etcd writes as text, and leaves out where it is 0."""
    value = str(told.get(name, 0))
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0


def _object(endpoint: str, told: bytes) -> dict[str, Any]:
    try:
        found = json_of(told)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EtcdError(f"{endpoint} {_ODD}")
    return found


def _refusal(endpoint: str, error: HTTPError) -> EtcdError:
    """What a status other than 200 says: a server that has no leader, or whose time is out, may be no one's fault."""
    with error:
        try:
            answer = error.read(_MOST)
        except (OSError, HTTPException):
            answer = b""
    try:
        told = _object(endpoint, answer)
    except EtcdError:  # such as "Client sent an HTTP request to an HTTPS server."
        said = _quoted(answer.decode(errors="replace"))
        return EtcdError(f"{endpoint} answers with status {error.code}{f': {said}' if said else ''}")
    within = told.get("error")
    told = within if isinstance(within, dict) else told  # as of what is a stream to gRPC: a lease's renewals
    said = _quoted(str(told.get("message", ""))) or f"status {error.code}"
    if error.code >= 500:
        return EtcdError(f"{endpoint} answers: {said}")
    return _RefusedError(f"{endpoint} refuses: {said}", _number(told, "code") or _number(told, "grpc_code"))


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)
