"""Actions of the every-thing protocol 2.10.0-rc.1: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Annotated, Final

from duologue import Action, DownloadAction, Effect, Rate, StreamAction, UploadAction
from pydantic import Field, TypeAdapter

from .errors import BadName, Busy, PageGone, PageLostError
from .models import (
    AllDone,
    AllOfItItem,
    AllOfItParams,
    AskParams,
    CloseParams,
    GetParams,
    GetResult,
    ListParams,
    ListResult,
    MaybeParams,
    MoreParams,
    Name,
    NothingParams,
    PageCloseParams,
    PageFrame,
    PageLoadParams,
    PageNavigateParams,
    PageOpenParams,
    PageShotParams,
    PutParams,
    Shape,
    TypedParams,
    UploadingParams,
)

NOTHING: Final[Action[NothingParams, None]] = Action(
    name="nothing",
    params=NothingParams,
    result=TypeAdapter(None),
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
CLOSE: Final[Action[CloseParams, None]] = Action(
    name="close",
    params=CloseParams,
    result=TypeAdapter(None),
    scope=(),
    effect=Effect.UNSAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
"""Named like a member of the client."""
LIST: Final[Action[ListParams, ListResult]] = Action(
    name="list",
    params=ListParams,
    result=TypeAdapter(ListResult),
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
ALL_OF_IT: Final[StreamAction[AllOfItParams, AllOfItItem, AllDone]] = StreamAction(
    name="everything",
    params=AllOfItParams,
    item=TypeAdapter(AllOfItItem),
    result=TypeAdapter(AllDone),
    scope=("read", "write"),
    effect=Effect.KEYED,
    errors=(Busy, BadName, PageLostError),
    timeout=None,
    max_request=65536,
    max_response=1048576,
    rate=Rate(per_second=0.001388888888888889, burst=3),
    concurrency=2,
)
"""Most of an action.

Since version 1.10.

Deprecated: use `nothing`.
"""
TYPED: Final[Action[TypedParams, Shape | None]] = Action(
    name="typed",
    params=TypedParams,
    result=TypeAdapter(Annotated[Shape | None, Field()]),
    scope=("admin",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
MAYBE: Final[Action[MaybeParams, Name | None]] = Action(
    name="maybe",
    params=MaybeParams,
    result=TypeAdapter(Annotated[Name | None, Field()]),
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
PAGE_OPEN: Final[Action[PageOpenParams, None]] = Action(
    name="Page.open",
    params=PageOpenParams,
    result=TypeAdapter(None),
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
ASK: Final[Action[AskParams, str]] = Action(
    name="ask",
    params=AskParams,
    result=TypeAdapter(str),
    scope=("write",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
PUT: Final[UploadAction[PutParams, Shape | None]] = UploadAction(
    name="put",
    params=PutParams,
    result=TypeAdapter(Annotated[Shape | None, Field()]),
    media="image/png",
    max_size=1073741824,
    resumable=False,
    scope=("read",),
    effect=Effect.KEYED,
    errors=(Busy,),
    timeout=None,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
"""Take bytes."""
GET: Final[DownloadAction[GetParams, GetResult]] = DownloadAction(
    name="get",
    params=GetParams,
    result=TypeAdapter(GetResult),
    media="text/plain; charset=utf-8",
    max_size=1000,
    scope=("read",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
"""Give bytes.

Deprecated: use `Page.shot`.
"""
UPLOADING: Final[UploadAction[UploadingParams, None]] = UploadAction(
    name="uploading",
    params=UploadingParams,
    result=TypeAdapter(None),
    media="application/octet-stream",
    max_size=67108864,
    scope=("read",),
    effect=Effect.KEYED,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
"""Named like what binds its handler."""
PAGE_NAVIGATE: Final[Action[PageNavigateParams, None]] = Action(
    name="Page.navigate",
    params=PageNavigateParams,
    result=TypeAdapter(None),
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
    result=TypeAdapter(None),
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
    result=TypeAdapter(None),
    media="application/octet-stream",
    max_size=16777216,
    scope=("read",),
    effect=Effect.KEYED,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
MORE: Final[Action[MoreParams, Name]] = Action(
    name="more",
    params=MoreParams,
    result=TypeAdapter(Name),
    scope=("more",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
