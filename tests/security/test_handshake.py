"""Who is let in: tokens, origins, limits and authenticators that fail, before anything exists for the peer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from tests.runtime.support import Room, until
from tests.security.raw import UPGRADE, ask
from tests.security.sdk import vault
from tests.security.vaults import Vault, guarded, known, on_sockets, token_of

from duologue import (
    Anonymous,
    ConnectFailed,
    Identity,
    Limits,
    PermissionDenied,
    Server,
    StaticTokens,
    Unavailable,
    serve,
)
from duologue.access import admission
from duologue.connection import connection
from duologue.drivers.memory import MemoryNetwork
from duologue.session.session import Session

pytestmark = pytest.mark.anyio

GOOD = token_of("owner")
BAD = {
    "nothing": [],
    "empty": ["Authorization:"],
    "no token": ["Authorization: Bearer"],
    "no token, but a space": ["Authorization: Bearer "],
    "unknown": ["Authorization: Bearer nobody-has-this-token-at-all"],
    "a part": [f"Authorization: Bearer {GOOD[:-1]}"],
    "and more": [f"Authorization: Bearer {GOOD}x"],
    "wrong at its beginning": [f"Authorization: Bearer y{GOOD[1:]}"],
    "in upper case": [f"Authorization: Bearer {GOOD.upper()}"],
    "another scheme": [f"Authorization: Basic {GOOD}"],
    "no scheme": [f"Authorization: {GOOD}"],
    "the scheme glued to it": [f"Authorization: Bearer{GOOD}"],
    "two tokens": [f"Authorization: Bearer {GOOD} {GOOD}"],
    "a comma": [f"Authorization: Bearer {GOOD}, Bearer {GOOD}"],
    "quoted": [f'Authorization: Bearer "{GOOD}"'],
    "twice": [f"Authorization: Bearer {GOOD}", f"Authorization: Bearer {GOOD}"],
    "good and bad": [f"Authorization: Bearer {GOOD}", "Authorization: Bearer bad"],
    "not ASCII": [f"Authorization: Bearer {GOOD}é"],
    "very long": [f"Authorization: Bearer {'x' * 8000}"],
    "its digest": ["Authorization: Bearer " + "0" * 64],
    "another header": [f"X-Authorization: Bearer {GOOD}"],
    "a cookie": [f"Cookie: token={GOOD}"],
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The sessions that are made from now on."""
    sessions: list[object] = []

    class Watched(Session):
        def __init__(self, *args: Any) -> None:
            sessions.append(self)
            super().__init__(*args)

    monkeypatch.setattr(connection, "Session", Watched)
    return sessions


# -------------------------------------------------------------------------------------------------------------- tokens
@pytest.mark.parametrize("headers", BAD.values(), ids=BAD)
async def test_a_bad_token_is_answered_with_401_before_there_is_a_session(
    headers: list[str], made: list[object]
) -> None:
    async with on_sockets() as world:
        answer = await ask(world, *headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert GOOD not in answer.body
        assert made == []
        assert not world.server.connections
        assert (await ask(world, f"Authorization: Bearer {GOOD}")).status == 101
        assert len(made) == 1


async def test_what_is_no_http_gets_no_answer_at_all(made: list[object]) -> None:
    async with on_sockets() as world, await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
        await stream.send(UPGRADE.format(path="/").encode() + f"Authorization: Bearer {GOOD}\x01\r\n\r\n".encode())
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        assert made == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_a_good_token(scheme: str) -> None:
    async with on_sockets() as world:
        assert (await ask(world, f"Authorization: {scheme} {GOOD}")).status == 101


async def test_the_challenge_tells_a_bad_token_from_none() -> None:
    async with on_sockets() as world:
        assert (await ask(world)).headers["www-authenticate"] == "Bearer"
        bad = await ask(world, "Authorization: Bearer bad")
        assert bad.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_what_a_client_is_told() -> None:
    async with guarded() as world:
        with pytest.raises(ConnectFailed, match=r"HTTP status 401: the token is not good") as refused:
            async with vault.VaultClient.open(world.url, token="bad-and-not-to-be-told"):
                pass
        assert refused.value.status_code == 401
        assert "bad-and-not" not in str(refused.value)


async def test_the_token_takes_the_place_of_the_user_that_a_url_names() -> None:
    async with on_sockets() as world:
        url = world.url.replace("ws://", "ws://me:secret@")
        async with vault.VaultClient.open(url, token=GOOD) as client:
            assert await client.ping() == "owner"


async def test_no_request_is_needed_to_be_refused_for_being_none() -> None:
    """What is no WebSocket handshake is told so, whatever its token."""
    async with on_sockets() as world, await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: vault\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.1 426")
        assert world.people.asked == 0


# ------------------------------------------------------------------------------------------------------------- origins
LISTED = ("https://example.org", "http://localhost:3000")


@pytest.mark.parametrize(
    ("listed", "headers", "status"),
    [
        (LISTED, [], 101),
        (LISTED, ["Origin: https://example.org"], 101),
        (LISTED, ["Origin: http://localhost:3000"], 101),
        (LISTED, ["Origin: http://example.org"], 403),
        (LISTED, ["Origin: https://example.org:8443"], 403),
        (LISTED, ["Origin: https://www.example.org"], 403),
        (LISTED, ["Origin: https://example.org.evil.test"], 403),
        (LISTED, ["Origin: https://evil.test/https://example.org"], 403),
        (LISTED, ["Origin: https://example.org/"], 403),
        (LISTED, ["Origin: null"], 403),
        (LISTED, ["Origin:"], 403),
        (LISTED, ["Origin: https://example.org", "Origin: https://evil.test"], 400),
        ((), [], 101),
        ((), ["Origin: https://example.org"], 403),
        (("*",), ["Origin: https://anywhere.test"], 101),
        (("null",), ["Origin: null"], 101),
    ],
)
async def test_origins(listed: tuple[str, ...], headers: list[str], status: int) -> None:
    async with on_sockets(origins=listed) as world:
        answer = await ask(world, f"Authorization: Bearer {GOOD}", *headers)
        assert answer.status == status
        assert world.people.asked == (status == 101), "a page that may not connect may not try tokens either"


def test_origins_are_a_list() -> None:
    with pytest.raises(TypeError, match=r"write origins=\['https://example.org'\]"):
        anyio.run(_serve_with_origins, "https://example.org")


async def _serve_with_origins(origins: Any) -> None:
    await Server.bind("127.0.0.1:0", Vault(), origins=origins)


# ------------------------------------------------------------------------------------------------------ authenticators
class Failing:
    """Raises what it is given."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def authenticate(self, credentials: Any) -> Identity:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (PermissionDenied("not on Sundays"), 403, "not on Sundays"),
        (Unavailable("the directory does not answer"), 503, "the directory does not answer"),
        (RuntimeError("swordfish"), 500, "incident"),
    ],
)
async def test_an_authenticator_that_raises_lets_nobody_in(
    error: Exception, status: int, said: str, made: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    async with on_sockets(Failing(error)) as world:
        answer = await ask(world, f"Authorization: Bearer {GOOD}")
        assert answer.status == status
        assert said in answer.body
        assert "swordfish" not in answer.body
        assert made == []
    assert GOOD not in caplog.text


async def test_an_authenticator_that_hangs_is_not_waited_for_and_hinders_nobody() -> None:
    async with on_sockets(limits=Limits(handshake=0.3)) as world:
        world.people.slow = anyio.Event()
        with pytest.raises(ConnectFailed):
            async with world.client("owner"):
                pass
        await until(lambda: not world.server.handshakes)
        world.people.slow = None
        async with world.client("owner") as client:
            assert await client.ping() == "owner"


async def test_a_peer_that_goes_while_it_is_asked_about_leaves_nothing() -> None:
    async with on_sockets() as world:
        world.people.slow = anyio.Event()
        async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
            await stream.send(b"GET / HTTP/1.1\r\n")
            await until(lambda: world.server.handshakes == 1)
        await until(lambda: not world.server.handshakes)
        assert not world.server._admission.addresses._present


async def test_a_peer_that_goes_is_not_let_in_by_an_authenticator_that_ignores_it(made: list[object]) -> None:
    asked = anyio.Event()

    class Stubborn:
        async def authenticate(self, credentials: Any) -> Identity:
            asked.set()
            with suppress(anyio.get_cancelled_exc_class()):
                await anyio.sleep_forever()
            return Identity(name="late", unrestricted=True)

    async with on_sockets(Stubborn()) as world:
        async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
            await stream.send(UPGRADE.format(path="/").encode() + b"\r\n")
            await asked.wait()
        await until(lambda: not world.server.handshakes)
    assert made == []


@pytest.mark.parametrize("ago", [0, 3600])
async def test_credentials_that_have_expired_let_nobody_in(ago: int, made: list[object]) -> None:
    async with on_sockets() as world:
        world.people.grant("owner", expires_at=datetime.now(UTC) - timedelta(seconds=ago))
        assert (await ask(world, f"Authorization: Bearer {GOOD}")).status == 401
        assert made == []


@pytest.mark.parametrize("whom", ["owner", "token 7"])
async def test_who_is_revoked_while_being_asked_about_is_not_let_in(whom: str) -> None:
    async with guarded() as world, anyio.create_task_group() as tasks:
        world.people.grant("owner", token_id="token 7")
        world.people.slow = anyio.Event()

        async def connect() -> None:
            with pytest.raises(ConnectFailed, match="401"):
                async with world.client("owner"):
                    pass

        tasks.start_soon(connect)
        await until(lambda: world.people.asked)
        world.server.revoke(whom)
        world.people.slow.set()


# -------------------------------------------------------------------------------------------------------------- limits
async def test_connections_of_one_identity_have_a_bound() -> None:
    async with guarded(limits=Limits(connections_per_identity=2)) as world:
        async with world.client("owner"), world.client("viewer"):
            async with world.client("owner"):
                with pytest.raises(ConnectFailed, match="429: connections_per_identity: there are too many"):
                    async with world.client("owner"):
                        pass
            await until(lambda: len(world.server.connections) == 2)
            async with world.client("owner") as client:  # there is room again
                assert await client.ping() == "owner"
    assert not world.server._admission.identities._present


async def test_the_anonymous_are_not_one_identity_for_that() -> None:
    limits = Limits(connections_per_identity=1)
    async with guarded(authenticator=Anonymous.all(), limits=limits) as world:
        async with vault.VaultClient.open(world.url), vault.VaultClient.open(world.url) as client:
            assert await client.ping() == "anonymous"


async def test_connections_of_one_address_have_a_bound() -> None:
    async with on_sockets(limits=Limits(connections_per_address=2)) as world:
        async with world.client("owner"), world.client("viewer"):
            assert (await ask(world, f"Authorization: Bearer {GOOD}")).status == 429
            async with (
                await anyio.connect_tcp("127.0.0.1", world.server.port),
                await anyio.connect_tcp("127.0.0.1", world.server.port),
            ):
                await until(lambda: world.server.handshakes == 2)
                async with await anyio.connect_tcp("127.0.0.1", world.server.port) as fifth:
                    with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                        await fifth.receive()
        await until(lambda: not world.server._admission.addresses._present)
        async with world.client("owner") as client:
            assert await client.ping() == "owner"


# -------------------------------------------------------------------------------------------- without an authenticator
@pytest.fixture
def open_to_others(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What listens on the memory network can be reached from elsewhere, as far as servers know."""
    monkeypatch.setattr(admission, "MEMORY", "not this one")
    with MemoryNetwork().use():
        yield


@pytest.mark.usefixtures("open_to_others")
async def test_a_server_that_others_can_reach_has_to_say_who_may_do_what() -> None:
    with pytest.raises(ValueError, match=r"open to other machines, and look needs the scope see.*Anonymous\.all\(\)"):
        async with serve(Vault(), "memory", 0):
            pass
    with pytest.raises(ValueError, match="authenticator="):
        await Server.bind("memory:7", Vault())
    for authenticator in (Anonymous.all(), StaticTokens.of(known())):
        async with serve(Vault(), "memory", 7, authenticator=authenticator):  # the port is free again
            pass
    async with serve(Room(), "memory", 0):  # all of it is public
        pass


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_which_addresses_are_of_this_machine_alone(host: str, local: bool) -> None:
    try:
        found = admission.authenticator_for(None, vault.PROTOCOL, [(host, 80)])
    except ValueError:
        assert not local
    else:
        assert local
        assert isinstance(found, Anonymous)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
async def test_on_this_machine_alone_everybody_may_do_everything(host: str) -> None:
    async with serve(Vault(), host, 0) as server:
        async with vault.VaultClient.open(f"ws://{server.addresses[0][0]}:{server.port}") as client:
            assert await client.wipe() == "anonymous"


async def test_who_goes_while_it_is_asked_who_it_is_is_not_let_in() -> None:
    async with on_sockets() as world:
        world.people.slow = anyio.Event()
        async with await anyio.connect_tcp("127.0.0.1", world.server.port) as stream:
            await stream.send(UPGRADE.format(path="/").encode() + f"Authorization: Bearer {GOOD}\r\n\r\n".encode())
            await until(lambda: world.people.asked)
        await anyio.sleep(0.02)
        world.people.slow.set()
        await until(lambda: not world.server.handshakes)
        assert world.server.connections == []
