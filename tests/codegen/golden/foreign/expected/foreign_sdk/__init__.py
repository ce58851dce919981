"""Names and shapes of other people's protocols.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import TYPE_CHECKING

from duologue import exported_later

if TYPE_CHECKING:
    from .client import (
        ForeignClient,
    )
    from .errors import (
        DOMGone,
        N32601NotFound,
        PageLost,
    )
    from .events import (
        EventType,
        ForeignEvent,
        ForeignEvents,
        ForeignSyncEvents,
    )
    from .models import (
        CancelRequestParams,
        CloseParams,
        Either,
        Eithers,
        Ends,
        Leaf,
        N2faParams,
        Names,
        Nested,
        Presence,
        PrintParams,
        Signs,
        TextDocumentDidOpenParams,
        Value,
        ValueMap,
        Values,
        WindowShowMessage,
    )
    from .namespaces.a_b.models import (
        ABChanged,
        ABCParams,
    )
    from .namespaces.dom.models import (
        DOMGetNodeParams,
        DOMNode,
        DOMNodeAdded,
    )
    from .namespaces.grosse.models import (
        GrosseOffnenParams,
    )
    from .namespaces.net.models import (
        NetFetchParams,
        NetFrame,
        NetRequest,
        NetRequests,
        NetSent,
    )
    from .namespaces.net.values import (
        NetId,
        NetKind,
    )
    from .namespaces.page.models import (
        PageAskParams,
        PageBlurred,
        PageBoth,
        PageFirst,
        PageFrame,
        PageFrames,
        PageLostDetails,
        PageNavigated,
        PageNavigateParams,
        PageSecond,
        PageShown,
        PageWatchParams,
    )
    from .namespaces.page.unknown import (
        UnknownPageBoth,
    )
    from .namespaces.page.values import (
        PageFrameId,
        PageKind,
    )
    from .namespaces.trace.models import (
        TraceV2StartParams,
    )
    from .peer import (
        ForeignPeer,
    )
    from .protocol import (
        PROTOCOL,
    )
    from .server import (
        ForeignPeerService,
        ForeignServer,
        ForeignService,
    )
    from .sync_client import (
        ForeignSyncClient,
    )
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".client": ("ForeignClient",),
            ".errors": (
                "DOMGone",
                "N32601NotFound",
                "PageLost",
            ),
            ".events": (
                "EventType",
                "ForeignEvent",
                "ForeignEvents",
                "ForeignSyncEvents",
            ),
            ".models": (
                "CancelRequestParams",
                "CloseParams",
                "Either",
                "Eithers",
                "Ends",
                "Leaf",
                "N2faParams",
                "Names",
                "Nested",
                "Presence",
                "PrintParams",
                "Signs",
                "TextDocumentDidOpenParams",
                "Value",
                "ValueMap",
                "Values",
                "WindowShowMessage",
            ),
            ".namespaces.a_b.models": (
                "ABChanged",
                "ABCParams",
            ),
            ".namespaces.dom.models": (
                "DOMGetNodeParams",
                "DOMNode",
                "DOMNodeAdded",
            ),
            ".namespaces.grosse.models": ("GrosseOffnenParams",),
            ".namespaces.net.models": (
                "NetFetchParams",
                "NetFrame",
                "NetRequest",
                "NetRequests",
                "NetSent",
            ),
            ".namespaces.net.values": (
                "NetId",
                "NetKind",
            ),
            ".namespaces.page.models": (
                "PageAskParams",
                "PageBlurred",
                "PageBoth",
                "PageFirst",
                "PageFrame",
                "PageFrames",
                "PageLostDetails",
                "PageNavigated",
                "PageNavigateParams",
                "PageSecond",
                "PageShown",
                "PageWatchParams",
            ),
            ".namespaces.page.unknown": ("UnknownPageBoth",),
            ".namespaces.page.values": (
                "PageFrameId",
                "PageKind",
            ),
            ".namespaces.trace.models": ("TraceV2StartParams",),
            ".peer": ("ForeignPeer",),
            ".protocol": ("PROTOCOL",),
            ".server": (
                "ForeignPeerService",
                "ForeignServer",
                "ForeignService",
            ),
            ".sync_client": ("ForeignSyncClient",),
        },
    )

__all__ = [
    "PROTOCOL",
    "ABCParams",
    "ABChanged",
    "CancelRequestParams",
    "CloseParams",
    "DOMGetNodeParams",
    "DOMGone",
    "DOMNode",
    "DOMNodeAdded",
    "Either",
    "Eithers",
    "Ends",
    "EventType",
    "ForeignClient",
    "ForeignEvent",
    "ForeignEvents",
    "ForeignPeer",
    "ForeignPeerService",
    "ForeignServer",
    "ForeignService",
    "ForeignSyncClient",
    "ForeignSyncEvents",
    "GrosseOffnenParams",
    "Leaf",
    "N2faParams",
    "N32601NotFound",
    "Names",
    "Nested",
    "NetFetchParams",
    "NetFrame",
    "NetId",
    "NetKind",
    "NetRequest",
    "NetRequests",
    "NetSent",
    "PageAskParams",
    "PageBlurred",
    "PageBoth",
    "PageFirst",
    "PageFrame",
    "PageFrameId",
    "PageFrames",
    "PageKind",
    "PageLost",
    "PageLostDetails",
    "PageNavigateParams",
    "PageNavigated",
    "PageSecond",
    "PageShown",
    "PageWatchParams",
    "Presence",
    "PrintParams",
    "Signs",
    "TextDocumentDidOpenParams",
    "TraceV2StartParams",
    "UnknownPageBoth",
    "Value",
    "ValueMap",
    "Values",
    "WindowShowMessage",
]
