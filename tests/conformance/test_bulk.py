"""Large uploads and downloads over real sockets: through a hundred cuts, beside small calls, and how fast they are."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from tests.conformance.bulk import MIB
from tests.runtime.files import FilesClient, FilesPeer, Named, Shelf, Stored
from tests.runtime.proxy import Cut, Direction, Proxy, proxied
from typing_extensions import override

from duologue import Call, Limits, OutcomeUnknown, Upload, serve
from duologue.session.decisions import OutgoingCall
from duologue.session.transfers import Transfers

pytestmark = pytest.mark.anyio

KIB: Final = 1024
FULL: Final = 200 * MIB
CONNECTING: Final = 2 * KIB
"""Bytes that a connection says before the first piece, and more: handshake, hello, request."""

HEADERS: Final = 1.01
"""What pieces cost beyond their payloads: 14 bytes and a frame's 14 for 16 KiB at least."""


class Digesting(Shelf):
    """Keeps the digest of what it was given, as it reads it."""

    def __init__(self, **held: Any) -> None:
        super().__init__(**held)
        self.digests: list[str] = []

    @override
    async def put(self, call: Call[FilesPeer], params: Named, body: Upload) -> Stored:
        self.runs.append(params.name)
        digest = hashlib.sha256()
        async for data in body:
            digest.update(data)
        self.digests.append(digest.hexdigest())
        return Stored(name=params.name, size=body.size, sha256=body.sha256)


@dataclass
class Attempts:
    """What each attempt at an upload was asked to begin with, and how far it came."""

    calls: list[OutgoingCall] = field(default_factory=list[OutgoingCall])
    begins: list[int] = field(default_factory=list[int])

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        receive = Transfers.receive_ack

        def note(transfers: Transfers, call: OutgoingCall, ack: Any) -> Any:
            if call.outflow is None:
                self.calls.append(call)
                self.begins.append(ack.offset)
            return receive(transfers, call, ack)

        patch.setattr(Transfers, "receive_ack", note)

    @property
    def resent(self) -> list[int]:
        """At each cut, how much of what had been sent was sent again."""
        sent = [call.outflow.sent for call in self.calls if call.outflow is not None]
        return [before - begin for before, begin in zip(sent, self.begins[1:], strict=False)]


@asynccontextmanager
async def linked(shelf: Shelf, limits: Limits, seconds: float) -> AsyncGenerator[tuple[FilesClient, Proxy]]:
    with anyio.fail_after(seconds):
        async with (
            serve(shelf, "127.0.0.1", 0, limits=limits) as server,
            proxied(server.port) as proxy,
            FilesClient.open(f"ws://127.0.0.1:{proxy.port}", limits=limits) as client,
        ):
            yield client, proxy


def cuts_for(size: int, count: int, dice: random.Random) -> list[Cut]:
    """So many that all of them come before the upload can be through: some in a handshake, or at the first words."""
    mean = int(0.9 * size / count)
    return [
        Cut(Direction.DOWN, dice.randrange(1, 500))
        if dice.random() < 0.1
        else Cut(Direction.UP, dice.randrange(2 * mean))
        for _ in range(count)
    ]


# ---------------------------------------------------------------------------------------------------------------- cuts
async def survive(size: int, count: int, window: int, folder: Path, patch: pytest.MonkeyPatch, seed: int) -> None:
    """One upload through so many cuts."""
    body = random.Random(seed).randbytes(size)
    shelf, attempts, limits = Digesting(folder=folder), Attempts(), Limits(bulk_window=window)
    attempts.watch(patch)
    async with linked(shelf, limits, 60 + size / MIB) as (client, proxy):
        cuts = cuts_for(size, count, random.Random(seed))
        proxy.cuts = iter(cuts[1:])
        proxy.cut_after(cuts[0])
        stored = await client.put(body, name="x")
        passed = proxy.passed[Direction.UP]
        assert (proxy.cut_short, proxy.accepted) == (count, count + 1)
    digest = hashlib.sha256(body).hexdigest()
    assert (stored.sha256, shelf.digests, shelf.runs) == (digest, [digest], ["x"])
    assert list(folder.iterdir()) == []
    assert all(0 <= again <= window for again in attempts.resent), attempts.resent
    assert passed <= HEADERS * (size + sum(attempts.resent)) + (count + 1) * CONNECTING
    print(f"{count} cuts: {max(attempts.resent)} bytes sent again at most, {passed} in all")


async def test_an_upload_survives_20_cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await survive(6 * MIB, 20, 128 * KIB, tmp_path, monkeypatch, seed=1)


@pytest.mark.long  # a minute
@pytest.mark.parametrize("seed", range(2))
async def test_an_upload_of_200_mb_survives_100_cuts(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await survive(FULL, 100, Limits().bulk_window, tmp_path, monkeypatch, seed)


async def cut_everywhere(step: int, folder: Path) -> dict[Direction, int]:
    """An upload of two pieces for each of the cuts, from the first byte of a connection to the last that it needs."""
    shelf, body, limits = Digesting(folder=folder), bytes(range(256)) * 2, Limits(bulk_window=256)
    reached = dict.fromkeys(Direction, 0)
    async with linked(shelf, limits, 240) as (client, proxy):
        for direction in Direction:
            for after in range(0, 5000, step):
                await client.connected()
                proxy.cut_short = 0
                proxy.cuts = iter([Cut(direction, after)])
                proxy.cut()
                name = f"{direction} {after}"
                try:
                    await client.put(body, name=name, timeout=20)
                except OutcomeUnknown as error:
                    pytest.fail(f"{name}: {error}")
                assert shelf.runs.count(name) == 1, name
                if not proxy.cut_short:  # the whole of it fits before the cut
                    reached[direction] = after
                    break
    assert shelf.digests == [hashlib.sha256(body).hexdigest()] * len(shelf.runs)
    assert list(folder.iterdir()) == []
    return reached


async def test_a_cut_somewhere_in_an_upload_costs_nothing(tmp_path: Path) -> None:
    assert all(reached > 500 for reached in (await cut_everywhere(47, tmp_path)).values())


@pytest.mark.long  # a minute
async def test_a_cut_at_any_byte_of_an_upload_costs_nothing(tmp_path: Path) -> None:
    assert all(reached > 500 for reached in (await cut_everywhere(1, tmp_path)).values())


async def fetch(size: int, folder: Path) -> None:
    body = random.Random(2).randbytes(size)
    shelf = Shelf()
    shelf.kept["x"] = body
    async with linked(shelf, Limits(), 60 + size / MIB) as (client, proxy):
        await client.get(name="x").save(folder / "saved")
        assert proxy.passed[Direction.DOWN] <= HEADERS * size + CONNECTING
    with (folder / "saved").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").digest() == hashlib.sha256(body).digest()


async def test_a_download_of_6_mb(tmp_path: Path) -> None:
    await fetch(6 * MIB, tmp_path)


@pytest.mark.long  # half a minute
async def test_a_download_of_200_mb(tmp_path: Path) -> None:
    await fetch(FULL, tmp_path)
