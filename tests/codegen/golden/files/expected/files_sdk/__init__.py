"""Files that each end keeps for the other.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from .client import (
    FilesClient,
)
from .errors import (
    NoFile,
)
from .models import (
    FolderGetParams,
    FolderPutParams,
    GetParams,
    Kept,
    NoFileDetails,
    PutParams,
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
