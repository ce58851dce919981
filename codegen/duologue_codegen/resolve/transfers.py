"""What travels besides params and result: items, or the bytes of an upload or a download; and what rules that out."""

from __future__ import annotations

from .. import ir
from ..nodes import MapNode
from ..spec import ActionSpec, DefaultsSpec, TransferSpec, UploadSpec
from .context import Context

_MAX_SIZE = 64 << 20
_ONE_OF = frozenset({"stream", "upload", "download", "pages"})


def kind(spec: ActionSpec) -> ir.ActionKind:
    if spec.upload is not None:
        return ir.ActionKind.UPLOAD
    if spec.download is not None:
        return ir.ActionKind.DOWNLOAD
    return ir.ActionKind.STREAM if spec.stream is not None else ir.ActionKind.UNARY


def transfer(spec: ActionSpec) -> ir.Transfer | None:
    own: TransferSpec | None = spec.upload if spec.upload is not None else spec.download
    if own is None:
        return None
    resumable = not isinstance(own, UploadSpec) or own.resumable
    return ir.Transfer(media=own.media, max_size=own.max or _MAX_SIZE, resumable=resumable)


def check(context: Context, spec: ActionSpec, raw: MapNode, defaults: DefaultsSpec) -> None:
    """Complain of keys that exclude each other, and of an effect that an upload or a download cannot have."""
    first, *others = [key for key in raw if key in _ONE_OF] or [""]
    for other in others:
        message = f"`{first}` and `{other}` do not go together"
        context.complain(raw.keys_at[other], message, "make two actions of it")
    if not others and ("effect" not in raw or spec.effect is not None):
        _check_effect(context, spec, raw, defaults)


def _check_effect(context: Context, spec: ActionSpec, raw: MapNode, defaults: DefaultsSpec) -> None:
    if spec.effect is not None:
        effect, said, at = spec.effect, "the action says", raw["effect"]
    elif defaults.effect is not None:
        effect, said, at = defaults.effect, "`defaults` say", None
    else:
        effect, said, at = "unsafe", "an action that says no effect is", None
    if spec.upload is not None and effect != "keyed":
        hint = "write `effect: keyed`: an upload that is sent again must not count twice"
        context.complain(at or raw.keys_at["upload"], f"an upload is `keyed`, and {said} `{effect}`", hint)
    if spec.download is not None and effect == "keyed":
        hint = "write `effect: safe`, or `unsafe`: an answer that is recorded for a key has no bytes"
        context.complain(at or raw.keys_at["download"], f"a download is never `keyed`, and {said} `keyed`", hint)
