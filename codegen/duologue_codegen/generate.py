"""The pipeline after the spec has been checked: protocol in, files out. Nothing here touches the output folder."""

from __future__ import annotations

from typing import Final

from . import ir
from .format import format_files
from .keeping import no_collection
from .package import render_package
from .render import Files, render_project
from .second_opinion import compare_models
from .structure import check_structure

COMPARED: Final = 500
"""Up to so many types a second opinion is asked for. Of 1,500 it takes twice the time of all the rest."""


@no_collection()
def generate_files(protocol: ir.Protocol, *, project: bool) -> Files:
    """All files by path below the output folder: the package's folder, and with `project` what publishes it."""
    package = protocol.python.package
    files = {f"{package}/{path}": text for path, text in render_package(protocol).items()}
    if len(protocol.definitions) <= COMPARED:
        compare_models(protocol)
    if project:
        files |= render_project(protocol)
    files = format_files(files)
    for path, text in files.items():
        check_structure(path, text)
    return dict(sorted(files.items()))
