"""Node.js hangs up on a WebSocket ping: what `Limits(idle=math.inf)` is for, seen with Node.js itself."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from tests.wires.support import sdk

from duologue import ConnectionClosed, Lifecycle, Limits, Unimplemented

pytestmark = pytest.mark.anyio
devtools: Any = sdk("devtools")


@asynccontextmanager
async def inspector() -> AsyncGenerator[str]:
    """The URL of a Node.js that waits."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("NOT TESTED: node is not installed: `.ci/run` says how")
    command = [node, "--inspect=127.0.0.1:0", "-e", "setTimeout(() => {}, 60000)"]
    async with await anyio.open_process(command, stdin=None, stdout=None, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            said = ""
            while not (found := re.search(r"ws://\S+", said)):
                said += (await process.stderr.receive()).decode()
            yield found[0]
        finally:
            process.kill()


async def test_a_client_that_sends_no_pings_stays_where_another_is_cut() -> None:
    cut, lost = anyio.Event(), list[ConnectionClosed]()

    def is_cut(_: ConnectionClosed) -> None:
        cut.set()

    quiet, impatient = Limits(idle=math.inf), Limits(idle=1.0)
    with anyio.fail_after(60):
        async with (
            inspector() as url,
            devtools.DevtoolsClient.open(url, limits=quiet, lifecycle=Lifecycle(lost=lost.append)) as waiting,
            devtools.DevtoolsClient.open(url, limits=impatient, lifecycle=Lifecycle(lost=is_cut)),
        ):
            await cut.wait()
            with pytest.raises(Unimplemented):  # it has no pages
                await waiting.page.enable()
            assert lost == []
