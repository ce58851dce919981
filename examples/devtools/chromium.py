"""Drives a running Chromium: two pages over one connection, each with a session of its own.

python chromium.py 9222 http://127.0.0.1:8000/page.html [trio]
"""

from __future__ import annotations

import json
import sys
from urllib.request import urlopen

import anyio
from devtools_sdk import DevtoolsClient

from duologue import CallError, CallOptions


def address(port: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}/json/version", timeout=30) as answer:
        return str(json.load(answer)["webSocketDebuggerUrl"])


async def attached(browser: DevtoolsClient) -> CallOptions:
    """Open a page. What is sent with these options goes to it, and its events have the same route."""
    page = await browser.target.create_target(url="about:blank")
    session = (await browser.target.attach_to_target(target_id=page.target_id, flatten=True)).session_id
    options = CallOptions(route=session)
    await browser.page.enable(options=options)
    await browser.runtime.enable(options=options)
    return options


async def look(browser: DevtoolsClient, page: CallOptions, url: str) -> str:
    """Go to a URL and wait until it is there; its title, and the first line that its script prints."""
    assert page.route is not None
    async with (
        browser.events.page.load_event_fired().on(page.route) as loaded,
        browser.events.runtime.console_api_called().on(page.route) as printed,
    ):
        await browser.page.navigate(url=url, options=page)
        await anext(loaded)
        line = (await anext(printed)).args[0].value
    title = await browser.runtime.evaluate(expression="document.title", return_by_value=True, options=page)
    return f"{title.result.value}: {line}"


async def main(port: str, url: str) -> None:
    with anyio.fail_after(90):
        async with DevtoolsClient.open(address(port)) as browser:
            print((await browser.browser.get_version()).product)
            left, right = await attached(browser), await attached(browser)
            async with anyio.create_task_group() as tasks:  # both at once, on one connection
                said: dict[str, str] = {}

                async def visit(side: str, page: CallOptions) -> None:
                    said[side] = await look(browser, page, f"{url}?{side}")

                tasks.start_soon(visit, "left", left)
                tasks.start_soon(visit, "right", right)
            print("left", said["left"], "| right", said["right"])

            await browser.page.bring_to_front(options=left)  # what is behind is not painted
            shot = (await browser.page.capture_screenshot(options=left)).data
            await anyio.Path("shot.png").write_bytes(shot)
            print("screenshot", shot[1:4].decode())

            for refused in (
                browser.page.enable(),  # to the browser, which is no page
                browser.page.navigate(url="no url", options=left),
            ):
                try:
                    await refused
                except CallError as error:
                    print("refused", error.wire_code, error)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], backend="trio" if "trio" in sys.argv else "asyncio")
