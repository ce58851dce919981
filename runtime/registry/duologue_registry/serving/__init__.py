"""The registry as a server: the generated service over the rules and the store, and what surrounds it.

::

    app ── service ── control, shelf, queries    actions: on services through agents, on packages, to read
             ├── leases                          what time does to services
             └── deployer ── steps, following    deployments: driven from what is durable, and followed
    access ── tokens                             who may come in
    observing                                    what operators see
"""
