"""Packages: how they are built, checked, kept, signed, unpacked and installed. Nothing here knows a socket.

::

    building ── archive, manifest          a folder becomes `name-version.tar.gz`
    checking ── archive, manifest          is it a package, and which
    installer ── unpacking ── archive      an archive becomes the active version, or nothing happens
    blobs, installer ── files              what touches a disk goes through one port
"""
