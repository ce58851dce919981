"""Who is let in to one server: the authenticator, and what holds whatever it says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct, field

from ..auth import ANONYMOUS, Anonymous, Authenticator, Credentials, Identity
from ..descriptors import Protocol
from ..errors import CallError, Internal, Unauthenticated
from ..limits import Limits
from ..session.outcomes import incident
from .gate import Descriptor
from .proxies import Proxies

Login: TypeAlias = Literal["first_message"]
"""`first_message`: who cannot send headers, as a browser, may connect without a token and send it as first message."""

MEMORY: Final = "memory"
"""Where a listener of the memory network says that it listens."""


class Unfinished:
    """Peers that are still to say what they have to say first: of too many, the one that takes longest is cut.

    Whoever means well is done in no time, and so is never the one.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._cuts: dict[Callable[[], None], None] = {}

    def enter(self, cut: Callable[[], None]) -> None:
        """One more, and how to cut it."""
        self._cuts[cut] = None
        if len(self._cuts) > self._limit:
            oldest = next(iter(self._cuts))
            del self._cuts[oldest]
            oldest()

    def leave(self, cut: Callable[[], None]) -> None:
        """It has said it, or is gone."""
        self._cuts.pop(cut, None)


class Crowd:
    """How many connections there are of each name, and at most."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._present: dict[str, int] = {}

    def enter(self, name: str) -> int:
        """One more; returns how many there are now."""
        self._present[name] = count = self._present.get(name, 0) + 1
        return count

    def leave(self, name: str) -> None:
        """One less."""
        self._present[name] -= 1
        if not self._present[name]:
            del self._present[name]


class _Asking(Struct, eq=False):
    """An authenticator at work, and who was revoked meanwhile."""

    revoked: set[str] = field(default_factory=set[str])


class Admission:
    """Lets peers in to one server.

    Attributes:
        origins: Origins of web pages that are let in; `*` for all of them.
        login: Whether a token may come as first message.
        proxies: Who is trusted to say for whom it connects.
        unfinished: Those that have not said yet who they are.
        addresses: The connections of each address; `identities` those of each identity.
        is_stopping: Whether nobody is let in any more.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        origins: Sequence[str],
        login: Login | None,
        limits: Limits,
        proxies: Proxies,
    ) -> None:
        if isinstance(origins, str):
            raise TypeError(f"origins={origins!r} is one text: write origins=[{origins!r}]")
        if login not in (None, *get_args(Login)):
            raise ValueError(f"login={login!r}: it is None, or one of {', '.join(get_args(Login))}")
        self.origins = tuple(origins)
        self.login = login
        self.proxies = proxies
        self.unfinished = Unfinished(limits.handshakes)
        self.addresses = Crowd(limits.connections_per_address)
        self.identities = Crowd(limits.connections_per_identity)
        self.is_stopping = False
        self._authenticator = authenticator
        self._asking: dict[_Asking, None] = {}

    async def identify(self, credentials: Credentials) -> Identity:
        """Whose credentials these are.

        Raises:
            CallError: Nobody's, or it cannot be found out now.
        """
        asking = _Asking()
        self._asking[asking] = None
        try:
            identity = await self._authenticator.authenticate(credentials)
        except CallError:
            raise
        except Exception:  # noqa: BLE001 - whatever the user's code raises lets nobody in
            raise Internal(incident("authenticate").message) from None
        finally:
            del self._asking[asking]
        if identity.expires_at is not None and identity.expires_at <= datetime.now(UTC):
            raise Unauthenticated("the credentials have expired")
        if asking.revoked & {identity.name, identity.token_id}:
            raise Unauthenticated("the credentials were revoked")
        return identity

    def revoke(self, whom: str) -> None:
        """Do not let in either who is being asked about now: the authenticator may have begun before."""
        for asking in self._asking:
            asking.revoked.add(whom)

    def has_room(self, identity: Identity) -> bool:
        """Take a place among an identity's connections; False when there is none. Give it back with `leave`."""
        if identity.name == ANONYMOUS:  # everybody: it is addresses that are counted
            return True
        if self.identities.enter(identity.name) <= self.identities.limit:
            return True
        self.identities.leave(identity.name)
        return False

    def leave(self, identity: Identity) -> None:
        """A connection is gone that `has_room` counted."""
        if identity.name != ANONYMOUS:
            self.identities.leave(identity.name)


def authenticator_for(
    given: Authenticator | None, protocol: Protocol, addresses: Sequence[tuple[str, int]]
) -> Authenticator:
    """The authenticator, or what holds where none is given: on this machine alone everybody may do everything.

    Raises:
        ValueError: None is given, others can connect, and not everything is public.
    """
    if given is not None:
        return given
    if all(_is_local(host) for host, _ in addresses):
        return Anonymous.all()
    whole = protocol.whole()
    served: list[Descriptor] = [
        *whole.client_actions,
        *whole.server_actions,
        *whole.events,
        *whole.notifications,
    ]
    guarded = next((descriptor for descriptor in served if descriptor.scope), None)
    if guarded is None:
        return Anonymous()
    raise ValueError(
        f"{addresses[0][0]} is open to other machines, and {guarded.name} needs the scope {guarded.scope[0]}: say who"
        " may do what with authenticator=…; Anonymous.all() lets everybody do everything"
    )


def _is_local(host: str) -> bool:
    try:
        return host == MEMORY or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
