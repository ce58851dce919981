"""Identities, and the authenticators that are given: static tokens, JSON Web Tokens, certificates."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from duologue import (
    Anonymous,
    Authenticator,
    Credentials,
    Identity,
    JwtTokens,
    StaticTokens,
    TlsIdentity,
    Unauthenticated,
    hash_token,
    new_token,
)

ADA = Identity(name="ada", roles={"editor"})
TOKEN = "a-token-of-ada-" + "x" * 20
SECRET = "s" * 40


def run(asking: Coroutine[Any, Any, Identity]) -> Identity:
    """What an authenticator says that has nothing to wait for."""
    try:
        asking.send(None)
    except StopIteration as done:
        identity: Identity = done.value
        return identity
    raise AssertionError("it waits for something")


def who(authenticator: Authenticator, token: str | None = None, **shown: Any) -> Identity:
    asking: Any = authenticator.authenticate(Credentials(token=token, **shown))
    return run(asking)


def nobody(authenticator: Authenticator, token: str | None = None, **shown: Any) -> str:
    """The text of the refusal."""
    asking: Any = authenticator.authenticate(Credentials(token=token, **shown))
    with pytest.raises(Unauthenticated) as refused:
        run(asking)
    assert not token or token not in str(refused.value)
    assert refused.value.__cause__ is None
    return str(refused.value)


# ---------------------------------------------------------------------------------------------------------- identities
def test_an_identity_is_fixed() -> None:
    identity = Identity(name="ada", scopes={"see"}, roles=frozenset({"editor"}))
    assert (identity.scopes, identity.roles) == (frozenset({"see"}), frozenset({"editor"}))
    assert hash(identity) == hash(Identity(name="ada", scopes={"see"}, roles={"editor"}))
    with pytest.raises(AttributeError):
        identity.name = "eve"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", "a\x00"])
def test_names_are_printable(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 200 printable"):
        Identity(name=name)


def test_one_text_is_no_set_of_texts() -> None:
    with pytest.raises(TypeError, match=r"write roles=\{'editor'\}"):
        Identity(name="ada", roles="editor")  # type: ignore[arg-type]


def test_a_time_has_its_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Identity(name="ada", expires_at=datetime(2030, 1, 1))  # noqa: DTZ001 - what is refused


def test_credentials_do_not_show_their_token() -> None:
    assert TOKEN not in repr(Credentials(token=TOKEN, path="/here"))


# -------------------------------------------------------------------------------------------------------- the anonymous
def test_anonymous_is_one_name_with_stated_rights() -> None:
    assert who(Anonymous()) == Identity(name="anonymous")
    assert who(Anonymous(scopes={"see"}), "whatever").scopes == {"see"}
    assert who(Anonymous.all()).unrestricted


# ------------------------------------------------------------------------------------------------------- static tokens
def test_a_token_is_known_by_its_digest() -> None:
    for tokens in (StaticTokens.of({TOKEN: ADA}), StaticTokens({hash_token(TOKEN): ADA})):
        assert who(tokens, TOKEN) is ADA
        assert nobody(tokens) == "a token is needed"
        for bad in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), hash_token(TOKEN), "\x00" * 32):
            assert nobody(tokens, bad) == "the token is not good"


def test_the_tokens_are_not_kept() -> None:
    tokens = StaticTokens.of({TOKEN: ADA})
    assert TOKEN not in f"{tokens!r} {vars(tokens)}"


def test_what_cannot_be_a_token() -> None:
    with pytest.raises(ValueError, match="at least 16 characters") as refused:
        StaticTokens.of({"swordfish": ADA})
    assert "swordfish" not in str(refused.value)
    for digest in (TOKEN, "0" * 63, "G" * 64):
        with pytest.raises(ValueError, match=r"hash_token"):
            StaticTokens({digest: ADA})


def test_new_tokens() -> None:
    drawn = {new_token() for _ in range(100)}
    assert len(drawn) == 100
    assert min(map(len, drawn)) >= 43


class Watched(str):
    """A token that notices when anybody compares it."""

    __slots__ = ()

    def _no(self, *args: object) -> Any:
        raise AssertionError("the token itself was looked at")

    __eq__ = __ne__ = __lt__ = __gt__ = __contains__ = startswith = find = _no
    __hash__ = None  # type: ignore[assignment] # nothing is looked up by it


def test_what_is_compared_is_never_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest is: an attacker who does not know the token cannot choose how much of that is right."""
    compared: list[tuple[int, int]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", compare)
    tokens = StaticTokens.of({TOKEN: ADA})
    run(tokens.authenticate(Credentials(token=Watched(TOKEN))))
    for wrong in (f"y{TOKEN[1:]}", f"{TOKEN[:-1]}y", "short", "long" * 100):
        with pytest.raises(Unauthenticated):
            tokens.authenticate(Credentials(token=Watched(wrong))).send(None)
    assert compared == [(32, 32)] * 5


def test_where_a_wrong_token_differs_makes_no_difference_in_time() -> None:
    tokens = StaticTokens.of({TOKEN: ADA, **{new_token(): ADA for _ in range(1000)}})
    wrong = {"first": f"y{TOKEN[1:]}", "middle": f"{TOKEN[:15]}y{TOKEN[16:]}", "last": f"{TOKEN[:-1]}y"}
    took: dict[str, list[float]] = {where: [] for where in wrong}
    for _ in range(300):
        for where, token in wrong.items():  # in turn: whatever else the machine does befalls all of them
            started = time.perf_counter()
            for _ in range(10):
                with suppress(Unauthenticated):
                    tokens.authenticate(Credentials(token=token)).send(None)
            took[where].append(time.perf_counter() - started)
    medians = [statistics.median(times) for times in took.values()]
    assert max(medians) < 1.5 * min(medians)


# ---------------------------------------------------------------------------------------------------------------- JWT
def signed(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token that is good but for what is said."""
    good: dict[str, Any] = {
        "sub": "ada",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        "aud": "vault",
        "iss": "https://issuer.test",
        "scope": "see put",
        "roles": ["editor"],
    }
    good |= claims
    sent = {name: value for name, value in good.items() if value is not None}
    return jwt.encode(sent, key, algorithm=algorithm, headers=headers)


def tokens_of(key: Any = SECRET, **options: Any) -> JwtTokens:
    stated: dict[str, Any] = {"algorithms": ["HS256"], "audience": "vault", "issuer": "https://issuer.test"}
    stated.update(options)
    return JwtTokens(key, **stated)


@pytest.fixture(scope="module")
def pair() -> tuple[Any, str]:
    """A private key, and its public half in PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public.decode()


def test_the_claims_make_the_identity() -> None:
    identity = who(tokens_of(), signed(jti="7"))
    assert (identity.name, identity.scopes, identity.roles) == ("ada", {"see", "put"}, {"editor"})
    assert identity.token_id == "7"
    assert identity.expires_at is not None
    assert 290 < (identity.expires_at - datetime.now(UTC)).total_seconds() <= 300


def test_claims_may_have_other_names_and_forms() -> None:
    identity = who(tokens_of(scopes="permissions", roles="groups"), signed(permissions=["see"], groups="a b"))
    assert (identity.scopes, identity.roles) == ({"see"}, {"a", "b"})
    assert who(tokens_of(), signed(scope=None, roles=None)).scopes == frozenset()


NOW = datetime.now(UTC)
"""When this module was read, which may be minutes before its tests run."""


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - timedelta(days=1)},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"nbf": NOW + timedelta(days=1)},
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.test"},
        {"iss": "https://issuer"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "anonymous"},
        {"scope": 7},
        {"scope": ["see", 7]},
        {"roles": {"editor": True}},
        {"key": "z" * 40},
        {"algorithm": "HS512", "key": "s" * 64},
        {"headers": {"kid": "other"}, "key": "z" * 40},
    ],
    ids=" ".join,
)
def test_a_token_that_is_not_good(claims: dict[str, Any]) -> None:
    assert nobody(tokens_of(), signed(**claims)) == "the token is not good"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", ".."])
def test_what_is_no_token(token: str) -> None:
    nobody(tokens_of(), token)


def test_a_token_that_was_damaged() -> None:
    for damaged in (signed()[:-3], signed() + "x", "." + signed(), signed().swapcase()):
        nobody(tokens_of(), damaged)


def test_none_at_all() -> None:
    assert nobody(tokens_of()) == "a token is needed"


def test_an_unsigned_token_is_none() -> None:
    claims = {"sub": "ada", "exp": datetime.now(UTC) + timedelta(minutes=5), "aud": "vault"}
    unsigned = jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type, unused-ignore]
    nobody(tokens_of(issuer=None), unsigned)


def test_a_public_key_is_no_secret(pair: tuple[Any, str]) -> None:
    """Nobody signs with what everybody knows (RFC 8725, section 2.1)."""
    private, public = pair
    tokens = tokens_of(public, algorithms=["ES256"])
    assert who(tokens, signed(private, "ES256")).name == "ada"
    nobody(tokens, signed("s" * 40))
    with pytest.raises(ValueError, match="fits none of the algorithms: HS256"):
        tokens_of(public, algorithms=["HS256"])


def test_several_keys_by_their_id(pair: tuple[Any, str]) -> None:
    private, public = pair
    tokens = tokens_of({"old": SECRET, "new": public}, algorithms=["ES256", "HS256"])
    assert who(tokens, signed(private, "ES256", headers={"kid": "new"})).name == "ada"
    assert who(tokens, signed(headers={"kid": "old"})).name == "ada"
    nobody(tokens, signed(headers={"kid": "new"}))
    nobody(tokens, signed(headers={"kid": "nobody's"}))
    nobody(tokens, signed())


def test_clocks_may_differ_by_the_leeway() -> None:
    late = signed(exp=datetime.now(UTC) - timedelta(seconds=5))
    nobody(tokens_of(), late)
    ada = who(tokens_of(leeway=30), late)
    assert ada.name == "ada"
    assert ada.expires_at is not None
    assert ada.expires_at > datetime.now(UTC), "a server that asks whether it has expired lets it in"


def test_audience_and_issuer_need_not_be_anybody() -> None:
    assert who(tokens_of(audience=None, issuer=None), signed(aud=None, iss="whoever")).name == "ada"
    assert who(tokens_of(audience=["vault", "attic"]), signed(aud="attic")).name == "ada"


@pytest.mark.parametrize("algorithms", [[], "HS256", ["none"], ["HS256", "NONE"], ["HS999"]])
def test_algorithms_are_stated_and_known(algorithms: Any) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        tokens_of(algorithms=algorithms)


def test_without_the_library_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'duologue\[jwt\]'"):
        tokens_of()


def test_it_keeps_its_key_to_itself() -> None:
    assert SECRET not in repr(tokens_of())


# --------------------------------------------------------------------------------------------------------- certificates
def certificate(*names: str) -> dict[str, Any]:
    return {"subject": tuple((("commonName", name),) for name in names), "serialNumber": "01"}


def test_a_certificate_is_somebody_s() -> None:
    subjects = TlsIdentity({"web-1": ADA})
    assert who(subjects, certificate=certificate("web-1")) is ADA
    assert nobody(subjects) == "a client certificate is needed"
    assert nobody(subjects, "a token that does not count") == "a client certificate is needed"
    for names in (("web-2",), (), ("web-1", "web-2"), ("WEB-1",)):
        assert nobody(subjects, certificate=certificate(*names)) == "the certificate is not good"
