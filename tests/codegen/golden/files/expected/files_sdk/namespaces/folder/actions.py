"""Actions of the namespace `Folder` of the files protocol 1.0.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import DownloadAction, Effect, UploadAction
from pydantic import TypeAdapter

from ...models import Kept
from .models import FolderGetParams, FolderPutParams

FOLDER_PUT: Final[UploadAction[FolderPutParams, Kept]] = UploadAction(
    name="Folder.put",
    params=FolderPutParams,
    result=TypeAdapter(Kept),
    media="application/octet-stream",
    max_size=2097152,
    resumable=False,
    scope=(),
    effect=Effect.KEYED,
    timeout=30.0,
)
FOLDER_GET: Final[DownloadAction[FolderGetParams, Kept]] = DownloadAction(
    name="Folder.get",
    params=FolderGetParams,
    result=TypeAdapter(Kept),
    media="application/octet-stream",
    max_size=2097152,
    scope=(),
    effect=Effect.SAFE,
    timeout=30.0,
)
