"""Types of the namespace `Lamp` of the one-way protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import Event, Params


class LampLightParams(Params):
    on: bool


class LampFadeParams(Params):
    pass


class LampLit(Event):
    event_name: ClassVar[str] = "Lamp.lit"
