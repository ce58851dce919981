"""The agent of a node: it connects out to the registry, is called by it, and runs the services of its machine.

::

    node ── supervisor ── executor ── processes, systemd, docker
      │       │    └── records
      │       └── health
      └── installing, verifying       packages, and whether the right one runs well
"""
