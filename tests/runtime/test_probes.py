"""Plain HTTP on the WebSocket port: who is answered what, and that nobody else is served by it."""

from __future__ import annotations

import anyio
import pytest
from tests.runtime.chat import ChatClient
from tests.runtime.support import BOUND, Room, until, url_of
from tests.runtime.watchers import Notes
from websockets.datastructures import Headers
from websockets.http11 import Request

from duologue import ConnectFailed, Limits, Metrics, Probes, Server, serve
from duologue.net.handshake import server_protocol

pytestmark = pytest.mark.anyio

TOKEN = "t" * 32


async def get(server: Server, path: str, *headers: str, host: str = "127.0.0.1") -> tuple[int, dict[str, str], str]:
    """The status, headers and body of what is answered."""
    async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
        await stream.send("\r\n".join(lines).encode())
        data = b""
        try:
            while True:
                data += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            pass
    head, _, body = data.decode().partition("\r\n\r\n")
    status, *rest = head.split("\r\n")
    found = dict(line.split(": ", 1) for line in rest)
    assert int(found["Content-Length"]) == len(body.encode())
    return int(status.split()[1]), found, body


async def statuses(server: Server, *paths: str) -> list[int]:
    return [(await get(server, path))[0] for path in paths]


async def test_nothing_is_answered_unless_it_is_asked_for() -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room()) as server:
            assert await statuses(server, "/healthz", "/readyz", "/metrics") == [426] * 3


async def test_what_is_said_twice_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(metrics=Metrics())) as server:
            upgrades = await get(server, "/healthz", "Upgrade: h2c", "Upgrade: h3")
            hosts = await get(server, "/metrics", "Host: 127.0.0.1")
    assert (upgrades[0], hosts[0]) == (426, 403)
    assert caplog.text == ""


async def test_health_and_readiness_are_for_everybody_and_metrics_off() -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes()) as server:
            assert await statuses(server, "/healthz", "/readyz", "/metrics", "/", "/healthz/x") == [
                200,
                200,
                426,
                426,
                426,
            ]
            status, headers, body = await get(server, "/healthz?x=1")
            assert (status, body, headers["Cache-Control"]) == (200, "ok\n", "no-store")
            async with ChatClient.open(url_of(server) + "/healthz") as client:
                assert (await client.echo(text="a")).text == "a"


async def test_readiness_says_why_not() -> None:
    reasons = ["the store is being read", None]
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(not_ready=lambda: reasons.pop(0))) as server:
            status, _, body = await get(server, "/readyz")
            assert (status, body) == (503, "the store is being read\n")
            assert await statuses(server, "/readyz") == [200]


async def test_what_a_ready_server_has_to_say_is_on_a_line_of_its_own() -> None:
    remarks = ["half of it is away", None]
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(remark=lambda: remarks.pop(0))) as server:
            status, _, body = await get(server, "/readyz")
            assert (status, body) == (200, "ready\nhalf of it is away\n")
            assert (await get(server, "/readyz"))[2] == "ready\n"


async def test_a_check_that_fails_is_an_error_and_the_server_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise RuntimeError("swordfish")

    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(not_ready=broken)) as server:
            status, _, body = await get(server, "/readyz")
            assert status == 500
            assert "swordfish" not in body
            assert await statuses(server, "/healthz") == [200]
    assert "swordfish" in caplog.text


async def test_while_the_server_stops_it_says_so_and_lets_nobody_in() -> None:
    room, notes = Room(), Notes()
    with anyio.fail_after(BOUND):
        async with serve(room, probes=Probes(), observers=[notes]) as server, ChatClient.open(url_of(server)) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.nap(seconds=0.5))
                await until(lambda: room.running)
                tasks.start_soon(server.aclose)
                await until(lambda: server._admission.is_stopping)
                status, _, body = await get(server, "/readyz")
                assert (status, body) == (503, "the server stops\n")
                assert await statuses(server, "/healthz") == [200]
                with pytest.raises(ConnectFailed) as refused:
                    await ChatClient.connect(url_of(server))
                assert refused.value.status_code == 503
                assert room.running, "the handler still runs: that was while the server drained"
            assert room.stopped == 0
            with pytest.raises(OSError, match=r"connect|refused"):
                await get(server, "/readyz")
    assert [limit for limit, _, _ in notes.of("refused")] == ["stopping"]


async def test_metrics_are_for_this_machine_alone_unless_there_is_a_token() -> None:
    metrics = Metrics()
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(metrics=metrics), observers=[metrics]) as server:
            status, headers, body = await get(server, "/metrics")
            assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
            assert body == metrics.render()
            for host in ("localhost", f"localhost:{server.port}", "127.0.0.1:1", "[::1]:8080", "[::1]"):
                assert (await get(server, "/metrics", host=host))[0] == 200, host
            for host in ("rebound.example", "rebound.example:80", "10.0.0.1", "localhost.evil.example", ""):
                assert (await get(server, "/metrics", host=host))[0] == 403, host
            for header in (
                "X-Forwarded-For: 10.0.0.1",
                "Forwarded: for=10.0.0.1",
                "Via: 1.1 proxy",
                "X-Real-IP: 1.1.1.1",
            ):
                assert (await get(server, "/metrics", header))[0] == 403, header


async def test_with_a_token_metrics_are_for_whoever_shows_it() -> None:
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(metrics=Metrics(), metrics_token=TOKEN)) as server:
            status, headers, _ = await get(server, "/metrics")
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
            for shown in ("x" * 32, f"{TOKEN}x", TOKEN[:-1], "", "é"):
                assert (await get(server, "/metrics", f"Authorization: Bearer {shown}"))[0] == 401, shown
            assert (await get(server, "/metrics", f"Authorization: Basic {TOKEN}"))[0] == 401
            assert (await get(server, "/metrics", f"Authorization: Bearer {TOKEN}", host="far.example"))[0] == 200


def asked_from(peer: str, *headers: tuple[str, str]) -> int:
    """What `/metrics` answers to a peer at some address."""
    request = Request("/metrics", Headers([("Host", "127.0.0.1"), *headers]))
    answer = Probes(metrics=Metrics()).answer(server_protocol(Limits(), ()), request, peer, stopping=False)
    assert answer is not None
    return answer.status_code


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("127.1.2.3", 200),
        ("10.0.0.1", 403),
        ("192.168.0.7", 403),
        ("", 403),
        ("fe80::1%eth0", 403),
    ],
)
def test_only_loopback_addresses_are_this_machine(peer: str, status: int) -> None:
    assert asked_from(peer) == status


def test_what_is_forwarded_comes_from_elsewhere() -> None:
    assert asked_from("127.0.0.1", ("x-forwarded-for", "10.0.0.1")) == 403


def test_the_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(Probes(metrics_token=TOKEN))


async def test_probes_are_within_the_limits_of_handshakes() -> None:
    """Who drips a request in is cut, as anybody else."""
    with anyio.fail_after(BOUND):
        async with serve(Room(), probes=Probes(), limits=Limits(handshake=0.1)) as server:
            async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
                await stream.send(b"GET /healthz HTTP/1.1\r\n")
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()
