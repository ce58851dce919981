"""The reference of a protocol for people: `content` says what there is to say, templates how it looks.

::

    render ── content ── examples ── frames        messages, written by the runtime's own codecs
                 │           └── python            the same as calls
                 └── shapes                        types as a spec writes them, with links
"""
