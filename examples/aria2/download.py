"""Lets a running aria2 download a file, watches it, and sees what goes wrong.

python download.py ws://127.0.0.1:6800 http://127.0.0.1:8000 [trio]
"""

from __future__ import annotations

import sys

import anyio
from aria2_sdk import (
    Aria2Client,
    Aria2OnDownloadComplete,
    Aria2OnDownloadError,
    DownloadStatus,
    EventType,
    Refused,
)

ENDS = [EventType.ARIA2_ON_DOWNLOAD_COMPLETE, EventType.ARIA2_ON_DOWNLOAD_ERROR]


async def download(aria2: Aria2Client, url: str) -> DownloadStatus:
    """Download a URL into the folder `got`; what became of it."""
    async with aria2.events.aria2.on_download_start() as started, await aria2.subscribe(ENDS) as ended:
        gid = await aria2.aria2.add_uri(uris=[url], options_={"dir": "got", "allow-overwrite": "true"})
        assert (await anext(started)).gid == gid
        async for event in ended:
            assert isinstance(event, (Aria2OnDownloadComplete, Aria2OnDownloadError))
            if event.gid == gid:
                print(type(event).__name__)
                break
        return await aria2.aria2.tell_status(gid=gid)


async def main(server: str, site: str) -> None:
    with anyio.fail_after(60):
        async with Aria2Client.open(server, hooks={"secret": "token:s3cret"}) as aria2:
            print("aria2", (await aria2.aria2.get_version()).version)
            done = await download(aria2, f"{site}/song.txt")
            print(done.status, f"{done.completed_length} of {done.total_length} bytes")
            gone = await download(aria2, f"{site}/lost.txt")
            print(gone.status, gone.error_code, gone.error_message)
            try:
                await aria2.aria2.tell_status(gid="unheard")
            except Refused as error:
                print("refused", error.wire_code, error)
        async with Aria2Client.open(server, hooks={"secret": "token:a guess"}) as stranger:
            try:
                await stranger.aria2.get_version()
            except Refused as error:
                print("refused", error.wire_code, error)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], backend="trio" if "trio" in sys.argv else "asyncio")
