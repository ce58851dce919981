"""The service registry: pure rules, a durable log behind them, and a service that speaks the generated protocol.

::

    commands ── serving ── storing ── rules      what users type; the service; its log; what is decided
       │           └── packages                  archives of strangers
       └── agent ══ serving.control              what runs on each machine; it connects out, and is called
"""

__version__ = "0.1.0"
