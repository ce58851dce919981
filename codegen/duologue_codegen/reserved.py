"""Names that generated code needs for itself, each list with its reason."""

from __future__ import annotations

import sys

# Python's keywords, soft ones left out: `match`, `type`, `case` and `_` are fine as names. A fixed list, since what is
# generated must not depend on the Python that generates.
KEYWORDS = frozenset(
    """
    False None True and as assert async await break class continue def del elif else except finally for from global if
    import in is lambda nonlocal not or pass raise return try while with yield
    """.split()
)

# Builtins that annotations of the same class body need: after `list: list[str]`, `other: list[str]` means the field.
SHADOWING = frozenset("bool bytes dict float int list object property str super tuple classmethod staticmethod".split())

# Decorators of methods: after a method of the same name they would be that method.
DECORATORS = frozenset("abstractmethod cached_property deprecated override".split())

# Attributes of pydantic's BaseModel and of the runtime's Model, Params, Event and UnknownVariant; and `self`, since
# fields are arguments of a constructor.
MODEL_MEMBERS = frozenset(
    """
    construct copy dict from_orm json model_computed_fields model_config model_construct model_copy model_extra
    model_fields model_fields_set model_json_schema model_parametrized_name model_post_init model_rebuild parse_file
    parse_obj parse_raw schema schema_json update_forward_refs validate
    event_name from_wire known_tags self tag_field to_wire
    """.split()
)

# Public members of the runtime's Peer, Client, SyncClient and Service, and those that generated subclasses add.
MEMBER_NAMES = frozenset(
    """
    aclose answer_store api_level authenticate bind call close connect connected connection describe describe_scope
    emit event_log events executor forget handlers hold_uploads hub identity keyed limits meta notify open open_sync
    options peer peer_type peers position protocol publisher self serve service session start_handler state subscribe
    timeout token undeclared unsubscribe uploads
    """.split()
)

# Actions that every server answers by itself.
BUILT_IN_ACTIONS = frozenset({"subscribe", "unsubscribe", "authenticate", "describe"})

# Arguments of every generated call, besides the params.
CALL_ARGUMENTS = frozenset({"self", "timeout", "options"})

# Arguments of every generated upload.
UPLOAD_ARGUMENTS = CALL_ARGUMENTS | {"body"}

# Arguments of every generated error, besides the details.
ERROR_ARGUMENTS = frozenset({"self", "message"})

# Class names that generated modules import from the runtime.
RUNTIME_CLASSES = frozenset(
    """
    Action Base64 Body Bound ByteSink Call CallError CallOptions Client Declared Delivery Download
    DownloadAction Effect Event EventDescriptor EventStream Events HistoryLost Int64 Json Later Lifecycle Limits Model
    NamespaceTable NotSent OutcomeUnknown Params Peer Position Protocol Rate Server Service Sink Status Stream
    StreamAction SyncClient SyncDownload SyncEventStream SyncEvents SyncStream Token UniqueItems UnknownValue
    UnknownVariant Upload UploadAction
    Aborted AlreadyExists Cancelled DataLoss DeadlineExceeded FailedPrecondition Internal InvalidArgument NotFound
    OutOfRange PermissionDenied ResourceExhausted Unauthenticated Unavailable Unimplemented Unknown
    """.split()
)

# Class names that generated modules import from the standard library, typing and pydantic.
LIBRARY_CLASSES = frozenset(
    """
    ABC AbstractContextManager Annotated Any AsyncIterator Awaitable AwareDatetime BaseModel Callable ClassVar
    ConfigDict Decimal Final Generic IntEnum Iterable Iterator Literal MISSING Mapping Never Optional Protocol RootModel
    SSLContext Self Sequence StrEnum TYPE_CHECKING TypeAdapter TypeAlias TypeAliasType TypeVar UTC UUID Union Enum Field
    """.split()
)

# Names in capitals that generated packages give to what is no class.
PACKAGE_CONSTANTS = frozenset({"PROTOCOL"})

# Packages that generated code or the runtime imports: one of the same name would stand in its place.
PACKAGES = sys.stdlib_module_names | frozenset(
    """
    anyio duologue duologue_codegen jwt msgspec opentelemetry pydantic pydantic_core pytest trio typing_extensions
    uvloop websockets
    """.split()
)

# Distributions that hold them: a project of the same name would be its own dependency.
DISTRIBUTIONS = frozenset(
    """
    anyio duologue msgspec opentelemetry-api pydantic pydantic-core pyjwt trio typing-extensions uvloop websockets
    """.split()
)

# Builtin classes (3.11 to 3.13): shadowing one would change what `except` means in the same module.
BUILTIN_CLASSES = frozenset(
    """
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError
    BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError
    ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup
    False FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError
    ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError
    MemoryError ModuleNotFoundError NameError None NotADirectoryError NotImplemented NotImplementedError OSError
    OverflowError PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError RecursionError
    ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError
    SyntaxWarning SystemError SystemExit TabError TimeoutError True TypeError UnboundLocalError UnicodeDecodeError
    UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning
    ZeroDivisionError
    """.split()
)
