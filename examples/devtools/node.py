"""Looks into a running Node.js: evaluates, hears what is printed there, and what goes wrong.

python node.py 9229 [trio]
"""

from __future__ import annotations

import json
import math
import sys
from urllib.request import urlopen

import anyio
from devtools_sdk import DevtoolsClient

from duologue import CallError, Limits

# Node's inspector hangs up on a ping, so it is sent none.
QUIET = Limits(idle=math.inf)


def address(port: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
        return str(json.load(answer)[0]["webSocketDebuggerUrl"])


async def main(port: str) -> None:
    with anyio.fail_after(60):
        async with (
            DevtoolsClient.open(address(port), limits=QUIET) as node,
            node.events.runtime.console_api_called() as printed,
        ):
            await node.runtime.enable()
            answer = await node.runtime.evaluate(expression="[...'abc'].map(x => x + x)", return_by_value=True)
            print("evaluated", answer.result.value)

            await node.runtime.evaluate(expression="console.warn('disk', 97, {free: 3})")
            event = await anext(printed)
            print(event.type, [argument.value or argument.description for argument in event.args])

            failed = (await node.runtime.evaluate(expression="nobody.home")).exception_details
            if failed is not None and failed.exception is not None:
                print("thrown", failed.exception.class_name, failed.exception.description)
            try:
                await node.runtime.get_properties(object_id="nothing")
            except CallError as error:
                print("refused", error.wire_code, error)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend="trio" if "trio" in sys.argv else "asyncio")
