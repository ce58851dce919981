"""Tokens that carry what they say, signed by an issuer: JSON Web Tokens (RFC 7519)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Final, TypeAlias, cast

from ..auth import ANONYMOUS, Credentials, Identity
from ..errors import Unauthenticated

Key: TypeAlias = str | bytes
"""A secret, for `HS256` and its like, or a public key in PEM."""

REQUIRED: Final = ("exp", "sub")


class JwtTokens:
    """Takes the tokens of one issuer. Needs the extra `jwt`.

    A token has to say until when it is good (`exp`) and whose it is (`sub`, never `anonymous`); `nbf`, `aud` and `iss`
    are checked.

    Args:
        key: The issuer's key, or several by their `kid`.
        algorithms: Those that are taken, as in ``["ES256"]``: the token's own word on it is not trusted.
        audience: Whom tokens have to be for; None when they are for nobody in particular.
        issuer: Who has to have issued them; None for whoever has the key.
        scopes: The claim that holds scopes, as a list or as text with spaces; `roles` likewise.
        leeway: Seconds by which clocks may differ.
    """

    def __init__(
        self,
        key: Key | Mapping[str, Key],
        *,
        algorithms: Sequence[str],
        audience: str | Sequence[str] | None,
        issuer: str | None,
        scopes: str = "scope",
        roles: str = "roles",
        leeway: float = 0.0,
    ) -> None:
        if isinstance(algorithms, str) or not algorithms or "none" in map(str.lower, algorithms):
            raise ValueError("algorithms: name those that are to be taken, as in ['ES256']; `none` signs nothing")
        self._jwt = _library()
        self._algorithms = list(algorithms)
        for each in key.values() if isinstance(key, Mapping) else [key]:
            self._check(each)
        self._key = key
        self._scopes = scopes
        self._roles = roles
        self._leeway = leeway
        self._checks: dict[str, Any] = {
            "audience": audience,
            "issuer": issuer,
            "leeway": leeway,
            "options": {"require": [*REQUIRED, *(["aud"] if audience else []), *(["iss"] if issuer else [])]},
        }

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Whose token it is."""
        if credentials.token is None:
            raise Unauthenticated("a token is needed")
        try:
            key = self._key_of(credentials.token)
            claims = self._jwt.decode(credentials.token, key, algorithms=self._algorithms, **self._checks)
            return self._identity(claims)
        except (self._jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError):
            raise Unauthenticated("the token is not good") from None  # its error may quote the token

    def _check(self, key: Key) -> None:
        """Say now that a key is of no use, rather than refuse every token."""
        reasons: list[str] = []
        for name in self._algorithms:
            try:
                self._jwt.get_algorithm_by_name(name).prepare_key(key)
            except (self._jwt.PyJWTError, NotImplementedError, TypeError, ValueError) as error:
                reasons.append(f"{name}: {error}")
            else:
                return
        raise ValueError(f"the key fits none of the algorithms: {'; '.join(reasons)}")

    def _key_of(self, token: str) -> Key:
        if isinstance(self._key, Mapping):
            return self._key[self._jwt.get_unverified_header(token)["kid"]]
        return self._key

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        if claims["sub"] == ANONYMOUS:  # whose connections are not counted, nor are keys and uploads one's own
            raise ValueError("it is everybody's name who did not have to sign in")
        return Identity(
            name=claims["sub"],
            scopes=_texts(claims.get(self._scopes, ())),
            roles=_texts(claims.get(self._roles, ())),
            expires_at=datetime.fromtimestamp(float(claims["exp"]) + self._leeway, UTC),
            token_id=None if claims.get("jti") is None else str(claims["jti"]),
        )


def _texts(claim: object) -> frozenset[str]:
    """Several texts, however the claim writes them (RFC 8693, section 4.2: with spaces between them)."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, (list, tuple)) and all(isinstance(each, str) for each in cast("Sequence[object]", claim)):
        return frozenset(cast("Sequence[str]", claim))
    raise TypeError("a claim of texts is text, or a list of it")


def _library() -> ModuleType:
    try:
        import jwt
    except ModuleNotFoundError:
        raise ModuleNotFoundError("JwtTokens needs PyJWT: pip install 'duologue[jwt]'", name="jwt") from None
    else:
        return jwt
