"""duologue: typed calls and typed events on both ends of one WebSocket.

Generated packages declare a protocol in terms of what is here; see `Client.open`, `serve` and `Service`.
"""

from .admission import Login
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
from .bodies import Body
from .calls import CallOptions
from .client import Client, Unstarted
from .close_codes import CloseCode
from .compression import Deflate
from .connection import Connection
from .descriptors import (
    API_LEVEL,
    Action,
    Delivery,
    DownloadAction,
    Effect,
    EventDescriptor,
    Protocol,
    Rate,
    StreamAction,
    UploadAction,
)
from .dialer import Token
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
from .events import Events, EventStream
from .interceptors import CallInterceptor, CallNext, CallRequest, HandlerInterceptor, HandlerNext, Interceptors
from .jwt_tokens import JwtTokens
from .keyed import Answer, AnswerStore, Claim
from .lifecycle import Lifecycle
from .limits import Limits
from .lines import JsonLines, TextLines
from .logs import LogObserver
from .metrics import Metrics
from .models import Base64, Event, Int64, Json, Model, Params, UniqueItems, UnknownValue, UnknownVariant
from .observer import Direction, Fate, ObservedCall, Observer, Outcome
from .peer import Peer
from .probes import Probes
from .publisher import EventLog, LogEntry, MemoryLog, Position, Publisher
from .server import ConnectionHandler, Server, serve
from .service import Bound, ByteSink, Call, Service, Sink, downloading, notified, streaming, unary, uploading
from .streams import Download, Stream
from .sync import SyncClient, SyncDownload, SyncEvents, SyncEventStream, SyncStream
from .uploads import HeldUploads, Upload

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
    "Identity",
    "Int64",
    "Interceptors",
    "Internal",
    "InvalidArgument",
    "Json",
    "JsonLines",
    "JwtTokens",
    "Lifecycle",
    "Limits",
    "LogEntry",
    "LogObserver",
    "Login",
    "MemoryLog",
    "Metrics",
    "Model",
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
    "Unimplemented",
    "UniqueItems",
    "Unknown",
    "UnknownValue",
    "UnknownVariant",
    "Unstarted",
    "Upload",
    "UploadAction",
    "downloading",
    "hash_token",
    "new_token",
    "notified",
    "serve",
    "streaming",
    "unary",
    "uploading",
]
