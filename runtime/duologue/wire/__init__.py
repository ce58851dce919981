"""How messages look on the wire: one codec a profile, from bytes to `Message` and back.

What only declared profiles need is imported from its own module (`declared`, `profile`, `templates` …), by whoever has
such a protocol: a native one, which is most, does without.
"""

from .envelope import Close, Connect, End, Envelope, Keepalive, Step, Template, Validation
from .messages import (
    MAX_KEY,
    MAX_META,
    SUBPROTOCOL,
    Ack,
    BadMessage,
    BadText,
    Capabilities,
    Codec,
    ErrorBody,
    Foreign,
    ForeignError,
    Goaway,
    Hello,
    HelloLimits,
    Keys,
    Loss,
    Message,
    NotCarried,
    Point,
    Reset,
    SubscriptionEnd,
    UploadForm,
)
from .native import NativeCodec, is_large_meta
from .pieces import DIGEST, HEADER, PAYLOAD, Piece, PieceKind, decode_piece, encode_piece
from .trees import Frame, path_of, plain

__all__ = [
    "DIGEST",
    "HEADER",
    "MAX_KEY",
    "MAX_META",
    "PAYLOAD",
    "SUBPROTOCOL",
    "Ack",
    "BadMessage",
    "BadText",
    "Capabilities",
    "Close",
    "Codec",
    "Connect",
    "End",
    "Envelope",
    "ErrorBody",
    "Foreign",
    "ForeignError",
    "Frame",
    "Goaway",
    "Hello",
    "HelloLimits",
    "Keepalive",
    "Keys",
    "Loss",
    "Message",
    "NativeCodec",
    "NotCarried",
    "Piece",
    "PieceKind",
    "Point",
    "Reset",
    "Step",
    "SubscriptionEnd",
    "Template",
    "UploadForm",
    "Validation",
    "decode_piece",
    "encode_piece",
    "is_large_meta",
    "path_of",
    "plain",
]
