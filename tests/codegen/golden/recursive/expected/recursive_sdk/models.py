"""Types of the recursive protocol 0.1.0.

Written by duologue 0.1.0 (grammar 1) from spec.yaml. DO NOT EDIT: change spec.yaml, then run
`duologue generate`.
"""

from typing import Annotated, Literal

from duologue import Model, Params
from pydantic import Field
from typing_extensions import TypeAliasType

from .unknown import UnknownExpr


class Num(Model):
    op: Literal["num"] = "num"
    value: float


Expr = TypeAliasType(
    "Expr",
    'Annotated[Annotated[Num | Add, Field(discriminator="op")] | UnknownExpr, Field(union_mode="left_to_right")]',
)
"""Open: later versions may add members, which arrive as `UnknownExpr`."""


class Add(Model):
    op: Literal["add"] = "add"
    left: Expr
    right: Expr
    all: "Exprs | None" = None
    one: Num = Num(value=3)


Exprs = TypeAliasType("Exprs", list[Expr])


class EvalParams(Params):
    expr: Expr
    all: Exprs | None = None
