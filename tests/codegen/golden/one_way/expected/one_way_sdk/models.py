"""Types of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import Event, Params


class RestartParams(Params):
    pass


class Pressed(Event):
    """A button was pressed."""

    event_name: ClassVar[str] = "pressed"
    button: str
