"""Client of the files protocol 1.0.0 for synchronous code.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from duologue import Body, CallOptions, Later, SyncClient, SyncDownload

from . import actions
from .models import GetParams, Kept, PutParams

if TYPE_CHECKING:
    from .namespaces.folder.sync_client import FilesSyncFolder
else:
    FilesSyncFolder = Later(".namespaces.folder.sync_client", "FilesSyncFolder", __name__)


class FilesSyncClient(SyncClient):
    """Files that each end keeps for the other."""

    @cached_property
    def folder(self) -> FilesSyncFolder:
        """The namespace `Folder`."""
        from .namespaces.folder.sync_client import FilesSyncFolder

        return FilesSyncFolder(self)

    def put(
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
        return self._upload(actions.PUT, PutParams(name=name, body_=body_), body, timeout, options)

    def get(self, *, name: str, timeout: float | None = None, options: CallOptions | None = None) -> SyncDownload[Kept]:
        """Get a file.

        Iterate over what this returns for the bytes (`application/octet-stream`, 2 MiB at most), then ask for
        its `result`.

        Args:
            timeout: Seconds until the caller gives up; 30 by default.

        Raises:
            NoFile: There is no file {name}.
        """
        return self._download(actions.GET, GetParams(name=name), timeout, options)
