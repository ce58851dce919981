"""What a server of the namespace `Folder` of the files protocol 1.0.0 may ask of its clients.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

# Namespaces stand on private members of the class that they are part of.
# pyright: reportPrivateUsage=false
from __future__ import annotations

from typing import TYPE_CHECKING

from duologue import Body, CallOptions, Download, Later

from ...models import Kept
from . import actions
from .models import FolderGetParams, FolderPutParams

if TYPE_CHECKING:
    from ...peer import FilesPeer
else:
    FilesPeer = Later("...peer", "FilesPeer", __name__)


class FilesPeerFolder:
    """The namespace `Folder`."""

    def __init__(self, owner: FilesPeer) -> None:
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
