"""What the registry decides: a state and a command in, a new state and its events out.

Nothing here knows a store, a socket or a clock.

::

    deciding ── agents, packages, notes  what a command changes, and why it may be refused
    starting ── deployments ── progress  how a deployment begins, moves, and what is to be done next
    deployed                          what it makes of the services of its nodes
    planning                          the order in which dependent services start and stop
    folding                           what the log tells, for who checks it
    states                            the legal moves of a service, one table
    model, documents                  the values all of them are about
"""
