"""What servers of the every-thing protocol 2.10.0-rc.1 implement, and clients that can be called.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from duologue import (
    Bound,
    ByteSink,
    Call,
    Later,
    Peer,
    Protocol,
    Server,
    Service,
    Sink,
    Upload,
    downloading,
    notified,
    streaming,
    unary,
    uploading,
)
from typing_extensions import override

from . import actions, events
from .client import EveryClient
from .models import (
    AllDone,
    AllOfItItem,
    AllOfItParams,
    AskParams,
    BothWays,
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
    Typing,
    UploadingParams,
)
from .namespaces.page import actions as page_actions
from .peer import EveryAgent
from .protocol import PROTOCOL

if TYPE_CHECKING:
    from .namespaces.page.models import (
        PageCloseParams,
        PageFrame,
        PageLoadParams,
        PageNavigateParams,
        PageOpenParams,
        PageShotParams,
    )
else:
    PageCloseParams = Later(".namespaces.page.models", "PageCloseParams", __name__)
    PageFrame = Later(".namespaces.page.models", "PageFrame", __name__)
    PageLoadParams = Later(".namespaces.page.models", "PageLoadParams", __name__)
    PageNavigateParams = Later(".namespaces.page.models", "PageNavigateParams", __name__)
    PageOpenParams = Later(".namespaces.page.models", "PageOpenParams", __name__)
    PageShotParams = Later(".namespaces.page.models", "PageShotParams", __name__)


class EveryService(Service[EveryAgent]):
    """What a server implements: every action. A missing or mistyped one fails the type checker."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = EveryAgent

    @abstractmethod
    async def nothing(self, call: Call[EveryAgent], params: NothingParams) -> None:
        """Answer `nothing`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def close_(self, call: Call[EveryAgent], params: CloseParams) -> None:
        """Named like a member of the client.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def list_(self, call: Call[EveryAgent], params: ListParams) -> ListResult:
        """Answer `list`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def all_of_it(self, call: Call[EveryAgent], params: AllOfItParams, out: Sink[AllOfItItem]) -> AllDone:
        """Most of an action.

        Since version 1.10.

        Deprecated: use `nothing`.

        Raises:
            Busy: Busy; come back.
            BadName: The name is bad.
            PageLostError: Page.lost
        """

    @abstractmethod
    async def typed(self, call: Call[EveryAgent], params: TypedParams) -> Shape | None:
        """Answer `typed`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def maybe(self, call: Call[EveryAgent], params: MaybeParams) -> Name | None:
        """Answer `maybe`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def page_open(self, call: Call[EveryAgent], params: PageOpenParams) -> None:
        """Answer `Page.open`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def put(self, call: Call[EveryAgent], params: PutParams, body: Upload) -> Shape | None:
        """Take bytes.

        Takes bytes: `image/png`, 1 GiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def get(self, call: Call[EveryAgent], params: GetParams, out: ByteSink) -> GetResult:
        """Give bytes.

        Deprecated: use `Page.shot`.

        Sends bytes: `text/plain; charset=utf-8`, 1000 bytes at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def uploading(self, call: Call[EveryAgent], params: UploadingParams, body: Upload) -> None:
        """Named like what binds its handler.

        Takes bytes: `application/octet-stream`, 64 MiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def page_navigate(self, call: Call[EveryAgent], params: PageNavigateParams) -> None:
        """Answer `Page.navigate`.

        Raises:
            Busy: Busy; come back.
            PageGone: No {id}.
        """

    @abstractmethod
    async def page_close(self, call: Call[EveryAgent], params: PageCloseParams) -> None:
        """Answer `Page.close`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def page_shot(self, call: Call[EveryAgent], params: PageShotParams, out: ByteSink) -> PageFrame:
        """Answer `Page.shot`.

        Sends bytes: `image/png`, 64 MiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def page_load(self, call: Call[EveryAgent], params: PageLoadParams, body: Upload) -> None:
        """Answer `Page.load`.

        Takes bytes: `application/octet-stream`, 16 MiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def more(self, call: Call[EveryAgent], params: MoreParams) -> Name:
        """Answer `more`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def on_typing(self, call: Call[EveryAgent], event: Typing) -> None:
        """Take `typing`."""

    @abstractmethod
    async def on_both_ways(self, call: Call[EveryAgent], event: BothWays) -> None:
        """Take `both_ways`."""

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            unary(actions.NOTHING, self.nothing),
            unary(actions.CLOSE, self.close_),
            unary(actions.LIST, self.list_),
            streaming(actions.ALL_OF_IT, self.all_of_it),
            unary(actions.TYPED, self.typed),
            unary(actions.MAYBE, self.maybe),
            unary(page_actions.PAGE_OPEN, self.page_open),
            uploading(actions.PUT, self.put),
            downloading(actions.GET, self.get),
            uploading(actions.UPLOADING, self.uploading),
            unary(page_actions.PAGE_NAVIGATE, self.page_navigate),
            unary(page_actions.PAGE_CLOSE, self.page_close),
            downloading(page_actions.PAGE_SHOT, self.page_shot),
            uploading(page_actions.PAGE_LOAD, self.page_load),
            unary(actions.MORE, self.more),
            notified(events.TYPING, self.on_typing),
            notified(events.BOTH_WAYS, self.on_both_ways),
        )


class EveryAgentService(Service[EveryClient]):
    """What a client serves to the server: pass one as `serve=` to `EveryClient.open`."""

    protocol: ClassVar[Protocol] = PROTOCOL
    peer_type: ClassVar[type[Peer]] = EveryClient

    @abstractmethod
    async def all_of_it(self, call: Call[EveryClient], params: AllOfItParams, out: Sink[AllOfItItem]) -> AllDone:
        """Most of an action.

        Since version 1.10.

        Deprecated: use `nothing`.

        Raises:
            Busy: Busy; come back.
            BadName: The name is bad.
            PageLostError: Page.lost
        """

    @abstractmethod
    async def ask(self, call: Call[EveryClient], params: AskParams) -> str:
        """Answer `ask`.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def put(self, call: Call[EveryClient], params: PutParams, body: Upload) -> Shape | None:
        """Take bytes.

        Takes bytes: `image/png`, 1 GiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def get(self, call: Call[EveryClient], params: GetParams, out: ByteSink) -> GetResult:
        """Give bytes.

        Deprecated: use `Page.shot`.

        Sends bytes: `text/plain; charset=utf-8`, 1000 bytes at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def page_shot(self, call: Call[EveryClient], params: PageShotParams, out: ByteSink) -> PageFrame:
        """Answer `Page.shot`.

        Sends bytes: `image/png`, 64 MiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @abstractmethod
    async def page_load(self, call: Call[EveryClient], params: PageLoadParams, body: Upload) -> None:
        """Answer `Page.load`.

        Takes bytes: `application/octet-stream`, 16 MiB at most.

        Raises:
            Busy: Busy; come back.
        """

    @override
    def handlers(self) -> Sequence[Bound]:
        return (
            streaming(actions.ALL_OF_IT, self.all_of_it),
            unary(actions.ASK, self.ask),
            uploading(actions.PUT, self.put),
            downloading(actions.GET, self.get),
            downloading(page_actions.PAGE_SHOT, self.page_shot),
            uploading(page_actions.PAGE_LOAD, self.page_load),
        )


class EveryServer(Server[EveryAgent]):
    """Serves a `EveryService` on a port."""
