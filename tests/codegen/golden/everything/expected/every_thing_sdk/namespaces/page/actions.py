"""Actions of the namespace `Page` of the every-thing protocol 2.10.0-rc.1: one descriptor each, which both ends
share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Final

from duologue import Action, DownloadAction, Effect, Rate, UploadAction, deferred
from pydantic import TypeAdapter

from ...errors import Busy, PageGone
from .models import PageCloseParams, PageFrame, PageLoadParams, PageNavigateParams, PageOpenParams, PageShotParams

PAGE_OPEN: Final[Action[PageOpenParams, None]] = Action(
    name="Page.open",
    params=PageOpenParams,
    result=deferred(None),
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
PAGE_NAVIGATE: Final[Action[PageNavigateParams, None]] = Action(
    name="Page.navigate",
    params=PageNavigateParams,
    result=deferred(None),
    scope=("read",),
    effect=Effect.UNSAFE,
    errors=(Busy, PageGone),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
PAGE_CLOSE: Final[Action[PageCloseParams, None]] = Action(
    name="Page.close",
    params=PageCloseParams,
    result=deferred(None),
    scope=(),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
PAGE_SHOT: Final[DownloadAction[PageShotParams, PageFrame]] = DownloadAction(
    name="Page.shot",
    params=PageShotParams,
    result=TypeAdapter(PageFrame),
    media="image/png",
    max_size=67108864,
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
PAGE_LOAD: Final[UploadAction[PageLoadParams, None]] = UploadAction(
    name="Page.load",
    params=PageLoadParams,
    result=deferred(None),
    media="application/octet-stream",
    max_size=16777216,
    scope=("read",),
    effect=Effect.KEYED,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
