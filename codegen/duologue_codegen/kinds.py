"""How each kind of action is written at either end: one row for each, so that no template asks for the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .ir import ActionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The runtime's names for one kind of action."""

    descriptor: str
    """Class of the descriptor."""
    call: str
    """Method of the runtime's clients and peers."""
    bind: str
    """Function that joins the descriptor and a handler."""
    held: str | None = None
    """Class of what the caller holds while the call runs, with `Sync` before it in synchronous code; None where the
    caller waits for the result."""
    sent: str | None = None
    """Class of what the caller gives besides the params, as `body`."""
    taken: tuple[str, str] | None = None
    """Name and class of what the handler gets besides the params."""


KINDS: Final[Mapping[ActionKind, Kind]] = {
    ActionKind.UNARY: Kind(descriptor="Action", call="_call", bind="unary"),
    ActionKind.STREAM: Kind(
        descriptor="StreamAction", call="_stream", bind="streaming", held="Stream", taken=("out", "Sink")
    ),
    ActionKind.UPLOAD: Kind(
        descriptor="UploadAction", call="_upload", bind="uploading", sent="Body", taken=("body", "Upload")
    ),
    ActionKind.DOWNLOAD: Kind(
        descriptor="DownloadAction", call="_download", bind="downloading", held="Download", taken=("out", "ByteSink")
    ),
}
