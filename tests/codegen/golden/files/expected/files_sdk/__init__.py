"""Files that each end keeps for the other.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        FilesClient,
    )
    from .errors import (
        NoFile,
    )
    from .models import (
        GetParams,
        Kept,
        NoFileDetails,
        PutParams,
    )
    from .namespaces.folder.models import (
        FolderGetParams,
        FolderPutParams,
    )
    from .peer import (
        FilesPeer,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        FilesPeerService,
        FilesServer,
        FilesService,
    )
    from .sync_client import (
        FilesSyncClient,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("FilesClient",),
            ".errors": ("NoFile",),
            ".models": (
                "GetParams",
                "Kept",
                "NoFileDetails",
                "PutParams",
            ),
            ".namespaces.folder.models": (
                "FolderGetParams",
                "FolderPutParams",
            ),
            ".peer": ("FilesPeer",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "FilesPeerService",
                "FilesServer",
                "FilesService",
            ),
            ".sync_client": ("FilesSyncClient",),
        },
    )

__all__ = [
    "PROTOCOL",
    "FilesClient",
    "FilesPeer",
    "FilesPeerService",
    "FilesServer",
    "FilesService",
    "FilesSyncClient",
    "FolderGetParams",
    "FolderPutParams",
    "GetParams",
    "Kept",
    "NoFile",
    "NoFileDetails",
    "PutParams",
]
