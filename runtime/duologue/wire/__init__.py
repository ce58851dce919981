"""How messages look on the wire: one codec a profile, from bytes to `Message` and back."""

from .messages import (
    SUBPROTOCOL,
    BadMessage,
    BadText,
    Capabilities,
    Codec,
    ErrorBody,
    Goaway,
    Hello,
    HelloLimits,
    Keys,
    Loss,
    Message,
    Point,
    Reset,
    SubscriptionEnd,
    is_set,
)
from .native import NativeCodec

__all__ = [
    "SUBPROTOCOL",
    "BadMessage",
    "BadText",
    "Capabilities",
    "Codec",
    "ErrorBody",
    "Goaway",
    "Hello",
    "HelloLimits",
    "Keys",
    "Loss",
    "Message",
    "NativeCodec",
    "Point",
    "Reset",
    "SubscriptionEnd",
    "is_set",
]
