"""Actions of the files protocol 1.0.0: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import DownloadAction, Effect, UploadAction
from pydantic import TypeAdapter

from .errors import NoFile
from .models import GetParams, Kept, PutParams

PUT: Final[UploadAction[PutParams, Kept]] = UploadAction(
    name="put",
    params=PutParams,
    result=TypeAdapter(Kept),
    media="text/plain",
    max_size=2097152,
    scope=(),
    effect=Effect.KEYED,
    timeout=30.0,
)
"""Keep a file."""
GET: Final[DownloadAction[GetParams, Kept]] = DownloadAction(
    name="get",
    params=GetParams,
    result=TypeAdapter(Kept),
    media="application/octet-stream",
    max_size=2097152,
    scope=(),
    effect=Effect.SAFE,
    errors=(NoFile,),
    timeout=30.0,
)
"""Get a file."""
