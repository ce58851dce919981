"""Client of the files protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from ssl import SSLContext
from typing import TYPE_CHECKING, ClassVar

from duologue import Body, CallOptions, Client, Download, Later, Lifecycle, Limits, Protocol, Token
from duologue import Deflate as _Deflate
from duologue import Observer as _Observer

from . import actions
from .models import GetParams, Kept, PutParams
from .protocol import PROTOCOL
from .sync_client import FilesSyncClient

if TYPE_CHECKING:
    from .namespaces.folder.client import FilesFolder
else:
    FilesFolder = Later(".namespaces.folder.client", "FilesFolder", __name__)


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
        compression: _Deflate | None = None,
        observers: Sequence[_Observer] = (),
    ) -> AbstractContextManager[FilesSyncClient]:
        """`open` for synchronous code: a connection that is kept, and made again, as long as the `with` block.

        What `lifecycle` has is called in the thread that the connection lives in, and `observers` are told there.
        """
        return cls._open_sync(
            FilesSyncClient,
            url,
            token=token,
            tls=tls,
            limits=limits,
            lifecycle=lifecycle,
            compression=compression,
            observers=observers,
        )

    @cached_property
    def folder(self) -> FilesFolder:
        """The namespace `Folder`."""
        from .namespaces.folder.client import FilesFolder

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
