"""What servers of the files protocol 1.0.0 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from duologue import Bound, ByteSink, Call, Later, Peer, Protocol, Server, Service, Upload, downloading, uploading
from typing_extensions import override

from . import actions
from .client import FilesClient
from .models import GetParams, Kept, PutParams
from .namespaces.folder import actions as folder_actions
from .peer import FilesPeer
from .protocol import PROTOCOL

if TYPE_CHECKING:
    from .namespaces.folder.models import FolderGetParams, FolderPutParams
else:
    FolderGetParams = Later(".namespaces.folder.models", "FolderGetParams", __name__)
    FolderPutParams = Later(".namespaces.folder.models", "FolderPutParams", __name__)


class FilesService(Service[FilesPeer]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = FilesPeer

    @abstractmethod
    async def put(self, call: Call[FilesPeer], params: PutParams, body: Upload) -> Kept:
        """Keep a file.

        Takes bytes: `text/plain`, 2 MiB at most.
        """

    @abstractmethod
    async def get(self, call: Call[FilesPeer], params: GetParams, out: ByteSink) -> Kept:
        """Get a file.

        Sends bytes: `application/octet-stream`, 2 MiB at most.

        Raises:
            NoFile: There is no file {name}.
        """

    @abstractmethod
    async def folder_put(self, call: Call[FilesPeer], params: FolderPutParams, body: Upload) -> Kept:
        """Answer `Folder.put`.

        Takes bytes: `application/octet-stream`, 2 MiB at most.
        """

    @abstractmethod
    async def folder_get(self, call: Call[FilesPeer], params: FolderGetParams, out: ByteSink) -> Kept:
        """Answer `Folder.get`.

        Sends bytes: `application/octet-stream`, 2 MiB at most.
        """

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            uploading(actions.PUT, self.put),
            downloading(actions.GET, self.get),
            uploading(folder_actions.FOLDER_PUT, self.folder_put),
            downloading(folder_actions.FOLDER_GET, self.folder_get),
        )


class FilesPeerService(Service[FilesClient]):
    """What a client serves to the server: pass one as `serve=` to `FilesClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = FilesClient

    @abstractmethod
    async def put(self, call: Call[FilesClient], params: PutParams, body: Upload) -> Kept:
        """Keep a file.

        Takes bytes: `text/plain`, 2 MiB at most.
        """

    @abstractmethod
    async def get(self, call: Call[FilesClient], params: GetParams, out: ByteSink) -> Kept:
        """Get a file.

        Sends bytes: `application/octet-stream`, 2 MiB at most.

        Raises:
            NoFile: There is no file {name}.
        """

    @abstractmethod
    async def folder_put(self, call: Call[FilesClient], params: FolderPutParams, body: Upload) -> Kept:
        """Answer `Folder.put`.

        Takes bytes: `application/octet-stream`, 2 MiB at most.
        """

    @abstractmethod
    async def folder_get(self, call: Call[FilesClient], params: FolderGetParams, out: ByteSink) -> Kept:
        """Answer `Folder.get`.

        Sends bytes: `application/octet-stream`, 2 MiB at most.
        """

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            uploading(actions.PUT, self.put),
            downloading(actions.GET, self.get),
            uploading(folder_actions.FOLDER_PUT, self.folder_put),
            downloading(folder_actions.FOLDER_GET, self.folder_get),
        )


class FilesServer(Server[FilesPeer]):
    """Serves a `FilesService` on a port."""
