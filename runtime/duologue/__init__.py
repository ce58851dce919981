"""duologue: typed calls and typed events on both ends of one WebSocket.

Generated packages declare a protocol in terms of what is here; see `Client.open`, `serve` and `Service`.
"""

from .calls import CallOptions
from .client import Client, Lifecycle, Unstarted
from .close_codes import CloseCode
from .connection import Connection
from .descriptors import API_LEVEL, Action, Delivery, Effect, EventDescriptor, Protocol, Rate, StreamAction
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
from .keyed import Answer, AnswerStore, Claim
from .limits import Limits
from .models import Base64, Event, Int64, Json, Model, Params, UnknownValue, UnknownVariant
from .peer import Peer
from .publisher import EventLog, LogEntry, MemoryLog, Position, Publisher
from .server import ConnectionHandler, Server, serve
from .service import Bound, Call, Service, Sink, notified, streaming, unary
from .streams import Stream
from .sync import SyncClient, SyncEvents, SyncEventStream, SyncStream

__all__ = [
    "API_LEVEL",
    "Aborted",
    "Action",
    "AlreadyExists",
    "Answer",
    "AnswerStore",
    "Base64",
    "Bound",
    "Call",
    "CallError",
    "CallOptions",
    "Cancelled",
    "Claim",
    "Client",
    "CloseCode",
    "ConnectFailed",
    "Connection",
    "ConnectionClosed",
    "ConnectionHandler",
    "DataLoss",
    "DeadlineExceeded",
    "Declared",
    "Delivery",
    "DuologueError",
    "Effect",
    "Event",
    "EventDescriptor",
    "EventLog",
    "EventStream",
    "Events",
    "FailedPrecondition",
    "HistoryLost",
    "Int64",
    "Internal",
    "InvalidArgument",
    "Json",
    "Lifecycle",
    "Limits",
    "LogEntry",
    "MemoryLog",
    "Model",
    "NotFound",
    "NotSent",
    "OutOfRange",
    "OutcomeUnknown",
    "Params",
    "Peer",
    "PermissionDenied",
    "Position",
    "Protocol",
    "Publisher",
    "Ran",
    "Rate",
    "ResourceExhausted",
    "Server",
    "Service",
    "Sink",
    "Status",
    "Stream",
    "StreamAction",
    "SyncClient",
    "SyncEventStream",
    "SyncEvents",
    "SyncStream",
    "Token",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "UnknownValue",
    "UnknownVariant",
    "Unstarted",
    "notified",
    "serve",
    "streaming",
    "unary",
]
