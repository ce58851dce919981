"""The cases, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .agents import Agents
from .calls import Calls
from .case import Case
from .connections import Connections
from .durable import Durable
from .fanout import Fanout
from .generation import Generation
from .idle import Idle
from .imports import Imports
from .large import Large
from .resume import Resume
from .upload import Upload

CASES: Final[Mapping[str, type[Case]]] = {
    made.name: made
    for made in (Calls, Connections, Large, Fanout, Idle, Upload, Durable, Resume, Agents, Imports, Generation)
}
