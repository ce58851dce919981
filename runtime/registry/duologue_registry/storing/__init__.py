"""What the registry remembers: one ordered log and the documents that follow from it, behind the `Store` port.

::

    store                             the port
    journal ── memory, sqlite, head   one writer, group commit; where the bytes go
    answers                           recorded answers of keyed calls, in the same transaction
"""
