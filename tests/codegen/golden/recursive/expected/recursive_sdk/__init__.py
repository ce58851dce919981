"""The recursive protocol.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        RecursiveClient,
    )
    from .models import (
        Add,
        EvalParams,
        Expr,
        Exprs,
        Num,
    )
    from .peer import (
        RecursivePeer,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        RecursiveServer,
        RecursiveService,
    )
    from .sync_client import (
        RecursiveSyncClient,
    )
    from .unknown import (
        UnknownExpr,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("RecursiveClient",),
            ".models": (
                "Add",
                "EvalParams",
                "Expr",
                "Exprs",
                "Num",
            ),
            ".peer": ("RecursivePeer",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "RecursiveServer",
                "RecursiveService",
            ),
            ".sync_client": ("RecursiveSyncClient",),
            ".unknown": ("UnknownExpr",),
        },
    )

__all__ = [
    "PROTOCOL",
    "Add",
    "EvalParams",
    "Expr",
    "Exprs",
    "Num",
    "RecursiveClient",
    "RecursivePeer",
    "RecursiveServer",
    "RecursiveService",
    "RecursiveSyncClient",
    "UnknownExpr",
]
