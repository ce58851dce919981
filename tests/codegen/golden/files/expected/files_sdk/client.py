"""Client of the files protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from ssl import SSLContext
from typing import ClassVar

from duologue import Body, CallOptions, Client, Download, Lifecycle, Limits, Protocol, Token

from . import actions
from .models import FolderGetParams, FolderPutParams, GetParams, Kept, PutParams
from .protocol import PROTOCOL
from .sync_client import FilesSyncClient


class FilesFolder:
    """Actions of one namespace."""

    def __init__(self, owner: FilesClient) -> None:
        self._owner = owner

    async def put(
        self, body: Body, /, *, name: str, timeout: float | None = None, options: CallOptions | None = None
    ) -> Kept:
        """Call `Folder.put`.

        Args:
            body: Bytes, path, file or async iterable: `application/octet-stream`, 2 MiB at most, not resumable.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._owner._upload(actions.FOLDER_PUT, FolderPutParams(name=name), body, timeout, options)

    def get(self, *, name: str, timeout: float | None = None, options: CallOptions | None = None) -> Download[Kept]:
        """Call `Folder.get`.

        Iterate over what this returns for the bytes (`application/octet-stream`, 2 MiB at most), then ask for
        its `result`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return self._owner._download(actions.FOLDER_GET, FolderGetParams(name=name), timeout, options)


class FilesClient(Client):
    """Files that each end keeps for the other."""

    protocol: ClassVar[Protocol] = PROTOCOL

    @classmethod
    def open_sync(
        cls,
        url: str,
        *,
        token: Token | None = None,
        tls: SSLContext | None = None,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> AbstractContextManager[FilesSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in.
        """
        return cls._open_sync(FilesSyncClient, url, token=token, tls=tls, limits=limits, lifecycle=lifecycle)

    @cached_property
    def folder(self) -> FilesFolder:
        return FilesFolder(self)

    async def put(
        self,
        body: Body,
        /,
        *,
        name: str,
        body_: str = "",
        timeout: float | None = None,
        options: CallOptions | None = None,
    ) -> Kept:
        """Keep a file.

        Args:
            body: Bytes, path, file or async iterable: `text/plain`, 2 MiB at most.
            body_: A remark. Default: `""`.
            timeout: Seconds until the caller gives up; 30 by default.
        """
        return await self._upload(actions.PUT, PutParams(name=name, body_=body_), body, timeout, options)

    def get(self, *, name: str, timeout: float | None = None, options: CallOptions | None = None) -> Download[Kept]:
        """Get a file.

        Iterate over what this returns for the bytes (`application/octet-stream`, 2 MiB at most), then ask for
        its `result`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            NoFile: There is no file {name}.
        """
        return self._download(actions.GET, GetParams(name=name), timeout, options)
