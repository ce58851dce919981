"""Types of the namespace `a.b` of the foreign protocol 1.3.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import ClassVar

from duologue import Event, Params

from ...models import Names, Value


class ABCParams(Params):
    names: Names


class ABChanged(Event):
    """Experimental: it may change or go in any version."""

    event_name: ClassVar[str] = "a.b.changed"
    value: Value
