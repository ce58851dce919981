"""Actions of the every-thing protocol 2.10.0-rc.1: one descriptor each, which both ends share.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from typing import Annotated, Final

from duologue import Action, DownloadAction, Effect, Rate, StreamAction, UploadAction, deferred
from pydantic import Field, TypeAdapter

from .errors import BadName, Busy, PageLostError
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
    PutParams,
    Shape,
    TypedParams,
    UploadingParams,
)

NOTHING: Final[Action[NothingParams, None]] = Action(
    name="nothing",
    params=NothingParams,
    result=deferred(None),
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
    result=deferred(None),
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
    result=deferred(Annotated[Shape | None, Field()]),
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
    result=deferred(Annotated[Name | None, Field()]),
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
    result=deferred(str),
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
    result=deferred(Annotated[Shape | None, Field()]),
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
    result=deferred(None),
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
MORE: Final[Action[MoreParams, Name]] = Action(
    name="more",
    params=MoreParams,
    result=deferred(Name),
    scope=("more",),
    effect=Effect.SAFE,
    errors=(Busy,),
    timeout=0.5,
    rate=Rate(per_second=1.6666666666666667, burst=2),
    concurrency=8,
)
