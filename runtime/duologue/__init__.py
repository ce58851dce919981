"""duologue: typed calls and typed events on both ends of one WebSocket.

Generated packages declare a protocol in terms of what is here; see `Client.open`, `serve` and `Service`.
"""

from typing import TYPE_CHECKING

from .later import Later, exported_later

if TYPE_CHECKING:
    from .access.admission import Login
    from .access.jwt_tokens import JwtTokens
    from .auth import (
        Anonymous,
        Authenticator,
        Credentials,
        Identity,
        StaticTokens,
        TlsIdentity,
        hash_token,
        new_token,
    )
    from .calling.bodies import Body
    from .calling.calls import CallOptions
    from .calling.interceptors import CallInterceptor, CallNext, CallRequest
    from .calling.peer import Peer
    from .calling.streams import Download, Stream
    from .client.client import Client, Unstarted
    from .client.dialer import Token
    from .client.lifecycle import Lifecycle
    from .client.sync import SyncClient, SyncDownload, SyncEvents, SyncEventStream, SyncStream
    from .close_codes import CloseCode
    from .connection.connection import Connection
    from .connection.hooks import Hook, Hooks
    from .descriptors import (
        API_LEVEL,
        Action,
        Delivery,
        DownloadAction,
        Effect,
        EventDescriptor,
        NamespaceTable,
        Protocol,
        Rate,
        StreamAction,
        UploadAction,
    )
    from .errors import (
        Aborted,
        AlreadyExists,
        CallError,
        Cancelled,
        ConnectFailed,
        ConnectionClosed,
        DataLoss,
        DeadlineExceeded,
        Declared,
        DuologueError,
        FailedPrecondition,
        HistoryLost,
        Internal,
        InvalidArgument,
        NotFound,
        NotSent,
        OutcomeUnknown,
        OutOfRange,
        PermissionDenied,
        Ran,
        ResourceExhausted,
        Status,
        Unauthenticated,
        Unavailable,
        Unimplemented,
        Unknown,
    )
    from .events.events import Events, EventStream
    from .events.publisher import EventLog, LogEntry, MemoryLog, Position, Publisher
    from .events.undeclared import Undeclared, UndeclaredStream
    from .handling.answers import Answer, AnswerStore, Claim
    from .handling.interceptors import HandlerInterceptor, HandlerNext, Interceptors
    from .handling.service import (
        Bound,
        ByteSink,
        Call,
        Service,
        Sink,
        downloading,
        notified,
        streaming,
        unary,
        uploading,
    )
    from .handling.uploads import HeldUploads, Upload
    from .limits import Limits
    from .models import Base64, Event, Int64, Json, Model, Params, UniqueItems, UnknownValue, UnknownVariant, deferred
    from .net.compression import Deflate
    from .observing.lines import JsonLines, TextLines
    from .observing.logs import LogObserver
    from .observing.metrics import Metrics
    from .observing.observer import Direction, Fate, ObservedCall, Observer, Outcome
    from .observing.probes import Probes
    from .server.server import ConnectionHandler, Server, serve
    from .wire import Envelope, Validation
else:
    __getattr__, __dir__ = exported_later(
        __name__,
        {
            ".access.admission": ["Login"],
            ".access.jwt_tokens": ["JwtTokens"],
            ".auth": """
                Anonymous Authenticator Credentials Identity StaticTokens TlsIdentity hash_token new_token
            """.split(),
            ".calling.bodies": ["Body"],
            ".calling.calls": ["CallOptions"],
            ".calling.interceptors": "CallInterceptor CallNext CallRequest".split(),
            ".calling.peer": ["Peer"],
            ".calling.streams": "Download Stream".split(),
            ".client.client": "Client Unstarted".split(),
            ".client.dialer": ["Token"],
            ".client.lifecycle": ["Lifecycle"],
            ".client.sync": "SyncClient SyncDownload SyncEvents SyncEventStream SyncStream".split(),
            ".close_codes": ["CloseCode"],
            ".connection.connection": ["Connection"],
            ".connection.hooks": "Hook Hooks".split(),
            ".descriptors": """
                API_LEVEL Action Delivery DownloadAction Effect EventDescriptor NamespaceTable Protocol Rate
                StreamAction UploadAction
            """.split(),
            ".errors": """
                Aborted AlreadyExists CallError Cancelled ConnectFailed ConnectionClosed DataLoss DeadlineExceeded
                Declared DuologueError FailedPrecondition HistoryLost Internal InvalidArgument NotFound NotSent
                OutcomeUnknown OutOfRange PermissionDenied Ran ResourceExhausted Status Unauthenticated Unavailable
                Unimplemented Unknown
            """.split(),
            ".events.events": "Events EventStream".split(),
            ".events.publisher": "EventLog LogEntry MemoryLog Position Publisher".split(),
            ".events.undeclared": "Undeclared UndeclaredStream".split(),
            ".handling.answers": "Answer AnswerStore Claim".split(),
            ".handling.interceptors": "HandlerInterceptor HandlerNext Interceptors".split(),
            ".handling.service": """
                Bound ByteSink Call Service Sink downloading notified streaming unary uploading
            """.split(),
            ".handling.uploads": "HeldUploads Upload".split(),
            ".limits": ["Limits"],
            ".models": "Base64 Event Int64 Json Model Params UniqueItems UnknownValue UnknownVariant deferred".split(),
            ".net.compression": ["Deflate"],
            ".observing.lines": "JsonLines TextLines".split(),
            ".observing.logs": ["LogObserver"],
            ".observing.metrics": ["Metrics"],
            ".observing.observer": "Direction Fate ObservedCall Observer Outcome".split(),
            ".observing.probes": ["Probes"],
            ".server.server": "ConnectionHandler Server serve".split(),
            ".wire": "Envelope Validation".split(),
        },
    )

__all__ = [
    "API_LEVEL",
    "Aborted",
    "Action",
    "AlreadyExists",
    "Anonymous",
    "Answer",
    "AnswerStore",
    "Authenticator",
    "Base64",
    "Body",
    "Bound",
    "ByteSink",
    "Call",
    "CallError",
    "CallInterceptor",
    "CallNext",
    "CallOptions",
    "CallRequest",
    "Cancelled",
    "Claim",
    "Client",
    "CloseCode",
    "ConnectFailed",
    "Connection",
    "ConnectionClosed",
    "ConnectionHandler",
    "Credentials",
    "DataLoss",
    "DeadlineExceeded",
    "Declared",
    "Deflate",
    "Delivery",
    "Direction",
    "Download",
    "DownloadAction",
    "DuologueError",
    "Effect",
    "Envelope",
    "Event",
    "EventDescriptor",
    "EventLog",
    "EventStream",
    "Events",
    "FailedPrecondition",
    "Fate",
    "HandlerInterceptor",
    "HandlerNext",
    "HeldUploads",
    "HistoryLost",
    "Hook",
    "Hooks",
    "Identity",
    "Int64",
    "Interceptors",
    "Internal",
    "InvalidArgument",
    "Json",
    "JsonLines",
    "JwtTokens",
    "Later",
    "Lifecycle",
    "Limits",
    "LogEntry",
    "LogObserver",
    "Login",
    "MemoryLog",
    "Metrics",
    "Model",
    "NamespaceTable",
    "NotFound",
    "NotSent",
    "ObservedCall",
    "Observer",
    "OutOfRange",
    "Outcome",
    "OutcomeUnknown",
    "Params",
    "Peer",
    "PermissionDenied",
    "Position",
    "Probes",
    "Protocol",
    "Publisher",
    "Ran",
    "Rate",
    "ResourceExhausted",
    "Server",
    "Service",
    "Sink",
    "StaticTokens",
    "Status",
    "Stream",
    "StreamAction",
    "SyncClient",
    "SyncDownload",
    "SyncEventStream",
    "SyncEvents",
    "SyncStream",
    "TextLines",
    "TlsIdentity",
    "Token",
    "Unauthenticated",
    "Unavailable",
    "Undeclared",
    "UndeclaredStream",
    "Unimplemented",
    "UniqueItems",
    "Unknown",
    "UnknownValue",
    "UnknownVariant",
    "Unstarted",
    "Upload",
    "UploadAction",
    "Validation",
    "deferred",
    "downloading",
    "exported_later",
    "hash_token",
    "new_token",
    "notified",
    "serve",
    "streaming",
    "unary",
    "uploading",
]
