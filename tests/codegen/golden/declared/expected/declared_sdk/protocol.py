"""The one table of the declared protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Envelope as _Envelope
from duologue import Protocol

from . import actions, errors, events

PROTOCOL: Final = Protocol(
    name="declared",
    version="1.0.0",
    api_level=1,
    client_actions=(
        actions.BEGIN,
        actions.WORK,
        actions.PING,
    ),
    server_actions=(actions.ASK,),
    events=(events.DOOR_OPENED,),
    notifications=(events.DOOR_KNOCKED,),
    errors=(errors.Busy,),
    wire=_Envelope(
        request={
            "op": "$action",
            "seq": "$id",
            "session": "$route",
            "trace": "$meta",
            "key": "$secret",
            "...": "$params",
        },
        reply={"op": "answer", "of": "$action", "seq": "$id", "session": "$route", "ok": "$result"},
        reply_error={"op": "answer", "seq": "$id", "fail": {"code": "$code", "text": "$message", "data": "$data"}},
        notify={"op": "event", "event": {"kind": "$event.0", "name": "$event.1", "...": "$data"}, "session": "$route"},
        cancel={"op": "cancel", "seq": "$id"},
        params={"style": "named", "empty": "send"},
        id="uuid",
        incoming=[
            {"kind": "error", "exists": ["fail.code"], "equals": {"op": "answer"}},
            {"kind": "ack", "at": "client", "equals": {"op": "ack"}},
            {"kind": "response", "absent": ["fail"], "equals": {"op": "answer"}},
            {"kind": "event", "regex": {"op": "^event$"}},
            {"kind": "cancel", "at": "server", "equals": {"op": "cancel"}},
            {"kind": "request", "exists": ["op", "seq"]},
        ],
        result={"paths": ["ok", "value"], "empty": {}},
        error={"code": ["fail.code"], "codes": {"unimplemented": 404, "not_json": 400}, "default": 500},
        event={"join": "/", "strip": ["stamp"]},
        route={"default": "$session"},
        ack={
            "send": {"op": "ack", "seq": "$id"},
            "to": ["work"],
            "reply": {"op": "answer", "seq": "$id", "late": True, "ok": "$result"},
            "settles": ["ping"],
        },
        handshake=[
            {"server": {"op": "challenge", "nonce": "$nonce"}},
            {
                "client": {"op": "prove", "proof": "$proof", "as": "$token"},
                "check": "proof",
                "refuse": {"op": "refused", "why": "$reason"},
            },
        ],
        after=[{"call": "begin", "params": {"language": "$language"}, "save": {"session": "id"}}],
        connect={
            "subprotocol": ["declared.v1"],
            "path": "/socket",
            "query": {"v": "1"},
            "headers": {"X-Client": "duologue $language"},
        },
        batch=True,
        keepalive={"action": "ping", "every": 25.0, "route": "$session"},
        hooks=["nonce", "proof", "secret", "language"],
        validation="warn",
    ),
)
"""The one table of the protocol, which both ends share."""
