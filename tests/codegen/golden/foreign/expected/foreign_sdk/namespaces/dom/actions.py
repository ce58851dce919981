"""Actions of the namespace `DOM` of the foreign protocol 1.3.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, Effect
from pydantic import TypeAdapter

from ...errors import DOMGone
from .models import DOMGetNodeParams, DOMNode

DOM_GET_NODE: Final[Action[DOMGetNodeParams, DOMNode]] = Action(
    name="DOM.getNode",
    params=DOMGetNodeParams,
    result=TypeAdapter(DOMNode),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(DOMGone,),
    timeout=30.0,
)
