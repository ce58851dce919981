"""Types of the declared protocol 1.0.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import Event, Model, Params


class BusyDetails(Model):
    until: str


class BeginParams(Params):
    """Begin a session."""

    language: str


class BeginResult(Model):
    id: int


class WorkParams(Params):
    """Work for long."""

    hours: int


class PingParams(Params):
    """Tell that somebody is there."""


class AskParams(Params):
    """Ask the client."""

    question: str


class DoorOpened(Event):
    """A door was opened."""

    event_name: ClassVar[str] = "door/opened"
    by: str


class DoorKnocked(Event):
    """Somebody knocks."""

    event_name: ClassVar[str] = "door/knocked"
    times: int
