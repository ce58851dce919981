"""Who the peer of one connection is, what that lets it do, and until when."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from ..auth import ANONYMOUS, Credentials, Identity
from ..close_codes import CloseCode
from ..drivers.port import Timer
from ..errors import InvalidArgument, PermissionDenied, Ran, ResourceExhausted, Unavailable
from ..wire import Hello
from .admission import Admission
from .gate import NO_RIGHTS, Gate, Rights

if TYPE_CHECKING:
    from ..connection.connection import Connection

THE_SERVER: Final = Identity(name="server", unrestricted=True)
"""What a client knows its peer as: it chose it by its URL, and trusts it as far as that goes."""


class _Authenticate(msgspec.Struct, forbid_unknown_fields=True):
    token: str


class Standing:
    """The standing of one connection's peer.

    Attributes:
        identity: Who it is.
        rights: What it may do; nothing any more once its time is up.
        ends_at: When that is, on the executor's clock; infinity where it is for ever.
    """

    def __init__(
        self,
        connection: Connection,
        gate: Gate,
        identity: Identity,
        credentials: Credentials | None = None,
        admission: Admission | None = None,
    ) -> None:
        self.identity: Identity = identity
        self.rights: Rights = gate.rights_of(identity)
        self._connection = connection
        self._gate = gate
        self._credentials = None if credentials is None else replace(credentials, token=None)
        self._admission = admission
        self._refreshing = False
        self._expiry: Timer | None = None
        self.ends_at = math.inf
        self._watch()

    @property
    def whom(self) -> str:
        """Whose rates count: those that have no name are told apart by their address."""
        if self.identity.name == ANONYMOUS and self._credentials is not None:
            return f"{ANONYMOUS} {self.address}"
        return self.identity.name

    @property
    def address(self) -> str:
        """Where a client connects from, as its handshake has told; empty where the peer is a server."""
        return "" if self._credentials is None else self._credentials.address

    def greeting(self, hello: Hello) -> Hello:
        """What to say first: also, for how long the peer's credentials are good."""
        left = milliseconds_left(self.identity)
        return hello if left is None else msgspec.structs.replace(hello, expires_in=left)

    @property
    def is_refreshable(self) -> bool:
        """Whether the peer may show new credentials."""
        return self._admission is not None

    async def refresh(self, params: bytes) -> bytes:
        """`authenticate` on a living connection: take new credentials of the same identity; the answer's data.

        Raises:
            CallError: They are not good, or somebody else's; what was before stays.
        """
        assert self._admission is not None, "who cannot be asked is not"
        assert self._credentials is not None, "it was admitted by some"
        if self._refreshing:
            raise ResourceExhausted("another `authenticate` is being dealt with", ran=Ran.NO)
        self._refreshing = True
        try:
            with anyio.fail_after(self._connection.limits.handshake):
                identity = await self._admission.identify(replace(self._credentials, token=token_of(params)))
        except TimeoutError:
            raise Unavailable("nobody could say in time whose token it is", ran=Ran.NO) from None
        finally:
            self._refreshing = False
        if identity.name != self.identity.name:
            raise PermissionDenied("the token is somebody else's: connect anew with it", ran=Ran.NO)
        self.identity = identity
        self.rights = self._gate.rights_of(identity)
        self._watch()
        self._connection.recheck()
        return answer(identity)

    def end(self) -> None:
        """It may do nothing any more."""
        self.rights = NO_RIGHTS
        self.forget()

    def forget(self) -> None:
        """The connection is gone."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _watch(self) -> None:
        """End in time: the clock on the wall is asked once, since the other one does not jump."""
        self.forget()
        self.ends_at = math.inf
        if self.identity.expires_at is not None:
            left = (self.identity.expires_at - datetime.now(UTC)).total_seconds()
            executor = self._connection.executor
            self.ends_at = executor.now() + left + self._connection.limits.expiry_grace
            self._expiry = executor.alarm_at(self.ends_at, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        self._connection.expel(CloseCode.UNAUTHENTICATED, "the credentials have expired")


def token_of(params: bytes) -> str:
    """The token that `authenticate` was called with. Raises `InvalidArgument`, which does not quote it."""
    try:
        return msgspec.json.decode(params, type=_Authenticate).token
    except msgspec.DecodeError:
        raise InvalidArgument('authenticate takes {"token": "…"}', ran=Ran.NO) from None


def answer(identity: Identity) -> bytes:
    """What `authenticate` answers: who the peer is, and for how many milliseconds."""
    data: dict[str, object] = {"identity": identity.name}
    if (left := milliseconds_left(identity)) is not None:
        data["expires_in"] = left
    return msgspec.json.encode(data)


def milliseconds_left(identity: Identity) -> int | None:
    """For how long an identity is good; None when it is for ever."""
    if identity.expires_at is None:
        return None
    return max(0, int((identity.expires_at - datetime.now(UTC)).total_seconds() * 1000))
