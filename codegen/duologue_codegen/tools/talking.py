"""Clients of any server: its protocol from a spec or from the server itself, as the runtime's own client speaks it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import anyio
from pydantic import ValidationError

from duologue import (
    Action,
    Body,
    CallError,
    CallOptions,
    Client,
    ConnectFailed,
    ConnectionClosed,
    Declared,
    Download,
    DownloadAction,
    EventStream,
    Lifecycle,
    Model,
    NotSent,
    OutcomeUnknown,
    Params,
    PermissionDenied,
    Position,
    Protocol,
    Stream,
    StreamAction,
    Unauthenticated,
    UploadAction,
)
from duologue.descriptors import API_LEVEL
from duologue.errors import Cancelled, DeadlineExceeded, NotFound, Unimplemented
from duologue.handling.describing import DESCRIBE, DescribeParams

from .. import ir
from ..importing.described import read
from ..importing.mending import written
from ..importing.source import ImportRefused
from .ending import Ended, Exit

_REFUSING: Final = {401, 403}
_DESCRIBING: Final = 10.0
"""Seconds that a server may take to describe itself."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and who asks it."""

    url: str
    token: str | None = field(default=None, repr=False)
    hooks: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Speaker(Client):
    """A client whose protocol is known when it is made; it is called by descriptors instead of methods."""

    async def call(self, action: Action[Any, Any], params: Params, timeout: float | None, options: CallOptions) -> Any:
        return await self._call(action, params, timeout, options)

    async def upload(
        self, action: UploadAction[Any, Any], params: Params, body: Body, timeout: float | None, options: CallOptions
    ) -> Any:
        return await self._upload(action, params, body, timeout, options)

    def stream(
        self, action: StreamAction[Any, Any, Any], params: Params, timeout: float | None, options: CallOptions
    ) -> Stream[Any, Any]:
        return self._stream(action, params, timeout, options)

    def download(
        self, action: DownloadAction[Any, Any], params: Params, timeout: float | None, options: CallOptions
    ) -> Download[Any]:
        return self._download(action, params, timeout, options)

    def watch(self, names: Sequence[str], values: Mapping[str, object], since: Position | None) -> EventStream[Any]:
        """Events in one stream; `values` are filters, by their paths on the wire, that all of the events have."""
        return EventStream(self, [self.hub.descriptor(name) for name in names], values, since)


class Asker(Client):
    """A client that does not know yet what the server speaks."""

    protocol: ClassVar[Protocol] = Protocol(name="", version="", api_level=API_LEVEL)

    async def describe(self, names: Sequence[str] | None) -> dict[str, Any]:
        wanted = None if names is None else list(names)
        return await self._call(DESCRIBE, DescribeParams(names=wanted), _DESCRIBING, None)


@asynccontextmanager
async def connected(target: Target, protocol: Protocol, lifecycle: Lifecycle | None = None) -> AsyncGenerator[Speaker]:
    """A client of a server, whose protocol is this. Raises Ended where there is no connection."""
    speaker: type[Speaker] = type("Speaker", (Speaker,), {"protocol": protocol})
    async with _opened(speaker, target, lifecycle) as client:
        yield client


@asynccontextmanager
async def _opened(kind: type[Any], target: Target, lifecycle: Lifecycle | None = None) -> AsyncGenerator[Any]:
    try:
        opening = kind.open(target.url, token=target.token, lifecycle=lifecycle, hooks=target.hooks)
        client = await opening.__aenter__()
    except ValueError as error:
        raise Ended(Exit.USAGE, str(error)) from None
    except ConnectFailed as error:
        raise not_connected(target, error) from None
    try:
        yield client
    except BaseException as error:
        if not await opening.__aexit__(type(error), error, error.__traceback__):
            raise
    else:
        await opening.__aexit__(None, None, None)


def not_connected(target: Target, error: ConnectFailed | ConnectionClosed) -> Ended:
    """How a tool ends that has no connection."""
    if getattr(error, "status_code", None) in _REFUSING or error.close_code in (4401, 4403):
        missing = "" if target.token else ": give a token, with --token-file or in DUOLOGUE_TOKEN"
        return Ended(Exit.FORBIDDEN, f"not let in: {error}{missing}")
    hint = ["  hint: here it is given with --hook NAME=VALUE"] if "hooks=" in str(error) else []
    return Ended(Exit.UNREACHABLE, f"not connected: {error}", *hint)


# --------------------------------------------------------------------------------------------------------- reflection
async def reflect(target: Target, names: Sequence[str]) -> ir.Protocol:
    """What a server says of some of its actions and events.

    Raises Ended where it says nothing, or nothing that can be used.
    """
    try:
        told = await described(target, names)
        _, protocol = written(read(told))
    except ImportRefused as error:
        raise Ended(Exit.ERROR, f"the server describes itself in a way that is none: {error}", _GIVE_SPEC) from None
    return protocol


_GIVE_SPEC: Final = "say what it speaks, with --spec"


async def described(target: Target, names: Sequence[str] | None) -> dict[str, Any]:
    """The answer to `describe`. Raises Ended where there is none."""
    try:
        async with _opened(Asker, target) as client:
            found: dict[str, Any] = await client.describe(names)
            return found
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = f"nothing is called {first['input'][:60]!r}" if isinstance(first["input"], str) else "too many names"
        raise Ended(Exit.USAGE, f"{what}: {first['msg']}") from None
    except NotFound as error:
        raise Ended(Exit.USAGE, error.message) from None
    except (Unimplemented, NotSent, OutcomeUnknown, DeadlineExceeded, ConnectFailed) as error:
        raise Ended(Exit.ERROR, f"the server does not describe itself ({error})", _GIVE_SPEC) from None
    except CallError as error:
        denied = isinstance(error, (Unauthenticated, PermissionDenied))
        raise Ended(Exit.FORBIDDEN if denied else Exit.ERROR, error.message) from None


# -------------------------------------------------------------------------------------------------------------- errors
def ended(error: CallError) -> Ended:
    """How a tool ends whose call ended in an error."""
    details: Model | None = getattr(error, "details", None)  # those that are declared have it
    said: dict[str, Any] | None = None if details is None else json.loads(details.to_wire())
    document: dict[str, Any] = {
        "code": error.code,
        "status": str(error.status),
        "message": error.message,
        "details": said if said is not None else error.data,
        "retry_after": error.retry_after,
        "ran": str(error.ran),
    }
    ran = {"no": "it did not run", "yes": "it ran", "unknown": "it may have run"}[error.ran]
    name = error.code if error.code == error.status else f"{error.code} ({error.status})"
    lines = [f"{name}: {error.message}"]
    lines += [f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in (said or {}).items()]
    lines += [f"  again after: {error.retry_after:g} s"] if error.retry_after is not None else []
    return Ended(_code_of(error), *lines, f"  {ran}", details=document)


def _code_of(error: Any) -> Exit:
    """Errors that the spec declares are all of one kind, whatever their status: a program reads their code."""
    match error:
        case Declared():
            return Exit.ERROR
        case NotSent():
            return Exit.UNREACHABLE
        case Unauthenticated() | PermissionDenied():
            return Exit.FORBIDDEN
        case OutcomeUnknown() | DeadlineExceeded() | Cancelled():
            return Exit.UNKNOWN
        case _:
            return Exit.ERROR


def file_text(path: Path, what: str) -> str:
    """The text of a small file of the user's. Raises Ended where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Ended(
            Exit.USAGE, f"cannot read the {what} {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        ) from None


def run(function: Any, *args: Any) -> Any:
    """Run the asynchronous part of a tool."""
    return anyio.run(function, *args)
