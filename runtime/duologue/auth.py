"""Who the peers are: credentials, identities, and the authenticators that make the one into the other."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, Self, cast

from .errors import Unauthenticated

ANONYMOUS: Final = "anonymous"
"""The name of everybody who did not have to sign in."""

SHORTEST_TOKEN: Final = 16
"""Characters: a token is stored as a plain digest, so it has to be long enough not to be guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, and what they may do.

    Idempotency keys, uploads under way, sessions and rates belong to one identity.

    Attributes:
        name: Tells one identity from another; 1 to 200 printable characters.
        scopes: Scopes that it holds, besides those of its roles.
        roles: Roles of the protocol; one that the protocol does not know grants nothing.
        expires_at: Until when it is good, with its time zone; None for no end.
        token_id: By which `Server.revoke` finds what was opened with one token of several; None when it has none.
        unrestricted: It holds every scope there is.
    """

    name: str
    scopes: AbstractSet[str] = frozenset()
    roles: AbstractSet[str] = frozenset()
    expires_at: datetime | None = None
    token_id: str | None = None
    unrestricted: bool = False

    def __post_init__(self) -> None:
        if not (1 <= len(self.name) <= 200 and self.name.isprintable()):
            raise ValueError("an identity's name has 1 to 200 printable characters")
        for what in ("scopes", "roles"):
            held: object = getattr(self, what)
            if isinstance(held, str):
                raise TypeError(f"{what}={held!r} is one text: write {what}={{{held!r}}}")
            object.__setattr__(self, what, frozenset(cast("AbstractSet[str]", held)))
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("expires_at needs a time zone, as in datetime.now(UTC) + timedelta(hours=1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a peer shows in its handshake.

    Attributes:
        token: The bearer token; None when it sent none. Not part of the `repr`.
        certificate: The client's certificate, as `ssl.SSLSocket.getpeercert` gives it; None unless TLS checked one.
        address: Where it connects from: the host, or that of the last proxy.
        origin: The web page's origin; None for what is no browser.
        path: The path of the URL, without its query.
    """

    token: str | None = field(default=None, repr=False)
    certificate: Mapping[str, Any] | None = None
    address: str = ""
    origin: str | None = None
    path: str = "/"


class Authenticator(Protocol):
    """Finds out who a peer is. It runs before anything exists for that peer, and for at most `Limits.handshake`."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Who shows these credentials.

        Raises:
            Unauthenticated: Nobody: HTTP 401. The text is told to the peer, and is the same for all bad tokens.
            PermissionDenied: Somebody who may not come in: HTTP 403.
            Unavailable: It cannot be found out now: HTTP 503.
        """
        ...


class Anonymous:
    """Lets everybody in, under the one name `anonymous`, with the rights that are stated here.

    Whoever is let in so shares idempotency keys and uploads with all others; rates are told apart by address.
    """

    def __init__(
        self,
        *,
        scopes: AbstractSet[str] = frozenset(),
        roles: AbstractSet[str] = frozenset(),
        unrestricted: bool = False,
    ) -> None:
        self._identity = Identity(name=ANONYMOUS, scopes=scopes, roles=roles, unrestricted=unrestricted)

    @classmethod
    def all(cls) -> Self:
        """Grant every scope to whoever can connect."""
        return cls(unrestricted=True)

    async def authenticate(self, credentials: Credentials) -> Identity:
        """The one identity; never refuses."""
        return self._identity


def new_token() -> str:
    """A token that nobody guesses: 256 bits from the system's source of randomness."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is kept of a token: its SHA-256 digest in hexadecimal.

    Enough for tokens that were drawn at random (`new_token`); it would not be for passwords.
    """
    return hashlib.sha256(token.encode()).hexdigest()


class StaticTokens:
    """Tokens that are known beforehand. Only their digests are kept.

    Args:
        digests: Whose token has which digest (`hash_token`).
    """

    def __init__(self, digests: Mapping[str, Identity]) -> None:
        for digest in digests:
            if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
                raise ValueError("a token is known by its digest: see `hash_token`, or use `StaticTokens.of`")
        self._identities = {bytes.fromhex(digest): identity for digest, identity in digests.items()}

    @classmethod
    def of(cls, tokens: Mapping[str, Identity]) -> Self:
        """From the tokens themselves.

        Raises:
            ValueError: One of them is too short to be safe.
        """
        if any(len(token) < SHORTEST_TOKEN for token in tokens):
            raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters; `new_token()` draws one")
        return cls({hash_token(token): identity for token, identity in tokens.items()})

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Whose token it is.

        The time that this takes tells nothing of how near a wrong token was: what is looked up is its digest.
        """
        if credentials.token is None:
            raise Unauthenticated("a token is needed")
        digest = hashlib.sha256(credentials.token.encode()).digest()
        known = digest if digest in self._identities else bytes(len(digest))
        if not hmac.compare_digest(digest, known):
            raise Unauthenticated("the token is not good")
        return self._identities[digest]


class TlsIdentity:
    """Knows peers by their certificates (mutual TLS): the server's `ssl.SSLContext` has to ask for and check them.

    Args:
        subjects: Who has a certificate with which common name.
    """

    def __init__(self, subjects: Mapping[str, Identity]) -> None:
        self._subjects = dict(subjects)

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Whose certificate it is."""
        if credentials.certificate is None:
            raise Unauthenticated("a client certificate is needed")
        names = _common_names(credentials.certificate)
        identity = self._subjects.get(names[0]) if len(names) == 1 else None
        if identity is None:
            raise Unauthenticated("the certificate is not good")
        return identity


def _common_names(certificate: Mapping[str, Any]) -> list[str]:
    subject: Sequence[Sequence[tuple[str, str]]] = certificate.get("subject", ())
    return [value for part in subject for name, value in part if name == "commonName"]
