"""The service registry: pure rules, a durable log behind them, and a service that speaks the generated protocol.

::

    cli ── app ── service ── store ── journal ── rules ── states, model
                     │                   └── memory, sqlite
                     ├── leases, queries
                     ├── shelf ── packages            archives of strangers
                     └── control ══ agent             what runs on each machine; it connects out, and is called
"""

__version__ = "0.1.0"
