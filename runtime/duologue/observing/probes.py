"""Plain HTTP on a server's WebSocket port, for those who look after it: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from .metrics import CONTENT_TYPE, Metrics

_LOG: Final = logging.getLogger("duologue")

_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Headers by which a proxy on this machine shows that it asks for somebody else."""

STOPPING: Final = "the server stops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What a server answers to a plain `GET`, which asks for no WebSocket.

    `/healthz` answers 200 as long as the process answers at all. `/readyz` answers 200, or 503 and why: while the
    server stops, and when `not_ready` says so. Both are for everybody who can connect, and tell nobody more than that.

    Attributes:
        metrics: What `/metrics` shows; it answers 404 where there are none.
        metrics_token: The bearer token that `/metrics` asks for, of whoever it is. Without one it answers this machine
            alone: connections from a loopback address that name one as `Host`, and were not forwarded by a proxy.
        not_ready: Says why the server should get no traffic now; None when it may. It must not block.
        remark: Says what else whoever looks at `/readyz` should know of a server that is ready, on one more line; None
            when there is nothing. It must not block.
    """

    metrics: Metrics | None = None
    metrics_token: str | None = field(default=None, repr=False)
    not_ready: Callable[[], str | None] | None = None
    remark: Callable[[], str | None] | None = None

    def answer(self, protocol: ServerProtocol, request: Request, peer: str, *, stopping: bool) -> Response | None:
        """The answer to a request that is for one of these; None for any other."""
        if "Upgrade" in request.headers:
            return None
        try:
            return self._answer(protocol, request, peer, stopping=stopping)
        except Exception:  # noqa: BLE001 - whatever the user's code raises; the connection's reader must not
            _LOG.exception("a probe failed")
            return _said(protocol, HTTPStatus.INTERNAL_SERVER_ERROR, "it cannot be said; the log tells why")

    def _answer(self, protocol: ServerProtocol, request: Request, peer: str, *, stopping: bool) -> Response | None:
        match request.path.partition("?")[0]:
            case "/healthz":
                return _said(protocol, HTTPStatus.OK, "ok")
            case "/readyz":
                why = STOPPING if stopping else self.not_ready and self.not_ready()
                return _said(protocol, HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK, why or self._ready())
            case "/metrics" if self.metrics is not None:
                return self._show(protocol, request, peer, self.metrics)
            case _:
                return None

    def _ready(self) -> str:
        remark = self.remark and self.remark()
        return f"ready\n{remark}" if remark else "ready"

    def _show(self, protocol: ServerProtocol, request: Request, peer: str, metrics: Metrics) -> Response:
        if self.metrics_token is None and not _is_from_here(request, peer):
            return _said(protocol, HTTPStatus.FORBIDDEN, "only this machine may read it, or whoever has a token")
        if self.metrics_token is not None and not _shows(request, self.metrics_token):
            response = _said(protocol, HTTPStatus.UNAUTHORIZED, "a bearer token is needed")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        response = _said(protocol, HTTPStatus.OK, metrics.render().removesuffix("\n"))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = CONTENT_TYPE
        return response


def _said(protocol: ServerProtocol, status: HTTPStatus, text: str) -> Response:
    response = protocol.reject(status, f"{text}\n")
    response.headers["Cache-Control"] = "no-store"
    return response


def _shows(request: Request, token: str) -> bool:
    given = request.headers.get_all("Authorization")
    scheme, _, shown = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _is_from_here(request: Request, peer: str) -> bool:
    """Whether a program on this machine asks for itself: no proxy, and no web page whose name leads here."""
    hosts = request.headers.get_all("Host")
    named = hosts[0] if len(hosts) == 1 else ""
    host = named.rpartition(":")[0] if named.rpartition(":")[2].isdecimal() else named
    forwarded = any(header in request.headers for header in _FORWARDED)
    return _is_loopback(peer) and (host == "localhost" or _is_loopback(host.strip("[]"))) and not forwarded


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
