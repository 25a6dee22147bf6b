"""The eight operators: each finds the places of a module where it applies, and what to write there instead.

| operator | what it does |
|---|---|
| sign | `a + b` becomes `a - b` and the reverse; `-a` becomes `a` |
| factor | a product or a quotient is doubled |
| operand | `a - b`, `a / b`, `a @ b`, `a < b` become `b - a`, `b / a`, `b @ a`, `b < a` |
| constant | a whole number becomes one more, another number half as much again |
| index | a constant index or bound of a slice becomes one more |
| dtype | `float64` becomes `float32`; what a function of NumPy returns passes through float32 |
| term | one side of a sum or difference is dropped |
| argument | the first two arguments of a call are swapped |

Texts, annotations, decorators and what is raised are left alone: they are not what a module computes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Change:
    """One place of a source text and what stands there instead."""

    operator: str
    line: int
    start: int  #: of the text replaced, in characters
    end: int
    original: str
    mutated: str

    def applied(self, source: str) -> str:
        """The source with the change made."""
        return source[: self.start] + self.mutated + source[self.end :]


Rule = Callable[[ast.AST, ast.AST | None], Iterator[ast.expr]]

#: What NumPy is asked for where single precision could leak in.
_ARRAY_MAKERS = (
    "array asarray exp expm1 log log1p sqrt linspace geomspace sum cumsum where concatenate interp full empty zeros "
    "einsum maximum minimum abs sinh broadcast_to"
)


@cache
def changes(source: str) -> tuple[Change, ...]:
    """Every change that the operators offer, in the order of the text; none twice, none that says the same."""
    tree = ast.parse(source)
    starts = _line_starts(source)
    found: list[Change] = []
    for node, parent in _places(tree):
        for operator, rule in OPERATORS.items():
            for new in rule(node, parent):
                start, end = _span(node, starts, source)
                text = ast.unparse(new)
                text = f"({text})" if isinstance(new, ast.BinOp | ast.UnaryOp | ast.Compare) else text
                change = Change(operator, node.lineno, start, end, source[start:end], text)
                if ast.dump(ast.parse(text, mode="eval").body) != ast.dump(node):
                    found.append(change)
    return tuple(sorted(set(found), key=lambda change: (change.start, change.end, change.operator, change.mutated)))


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _span(node: ast.expr, starts: list[int], source: str) -> tuple[int, int]:
    """Of an expression, in characters: the parser counts bytes."""

    def at(line: int, bytes_before: int) -> int:
        begun = source[starts[line - 1] : starts[line]]
        return starts[line - 1] + len(begun.encode()[:bytes_before].decode())

    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)


def _places(node: ast.AST, parent: ast.AST | None = None) -> Iterator[tuple[ast.expr, ast.AST | None]]:
    """The expressions that compute, with what holds each."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.expr):
        yield node, parent
    skipped = {"annotation", "returns", "decorator_list", "type_params"}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InputError":
        return
    for name, value in ast.iter_fields(node):
        if name in skipped:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child, node)


def _text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _arithmetic(node: ast.AST, *operators: type[ast.operator]) -> bool:
    """Whether it is one of these operations on what may be numbers."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, operators)
        and not _text(node.left)
        and not _text(node.right)
    )


def _sign(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if _arithmetic(node, ast.Add, ast.Sub):
        yield ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield node.operand


def _factor(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if _arithmetic(node, ast.Mult, ast.Div):
        yield ast.BinOp(ast.Constant(2), ast.Mult(), node)


def _operand(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if _arithmetic(node, ast.Sub, ast.Div, ast.MatMult):
        yield ast.BinOp(node.right, node.op, node.left)
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.Lt | ast.Gt | ast.LtE | ast.GtE)
    ):
        yield ast.Compare(node.comparators[0], node.ops, [node.left])


def _constant(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Constant) or isinstance(parent, ast.Subscript | ast.Slice | ast.keyword):
        return
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, float):
        yield ast.Constant(1.5 * node.value)


def _index(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if not isinstance(parent, ast.Subscript | ast.Slice):
        return
    if isinstance(parent, ast.Subscript) and node is not parent.slice:
        return
    number = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    if isinstance(number, ast.Constant) and isinstance(number.value, int):
        yield ast.Constant(1 + (number.value if number is node else -number.value))


def _dtype(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if isinstance(node, ast.Attribute) and node.attr == "float64":
        yield ast.Attribute(node.value, "float32", ast.Load())
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "np"
        and node.func.attr in _ARRAY_MAKERS.split()
    ):
        single = ast.Attribute(ast.Name("np", ast.Load()), "float32", ast.Load())
        yield ast.Call(single, [node], [])


def _term(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if _arithmetic(node, ast.Add, ast.Sub):
        yield node.left
        yield node.right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), node.right)


def _argument(node: ast.AST, parent: ast.AST | None) -> Iterator[ast.expr]:
    if (
        isinstance(node, ast.Call)
        and len(node.args) >= 2
        and not any(isinstance(each, ast.Starred) for each in node.args[:2])
        and ast.unparse(node.func) not in ("isinstance", "max", "min", "cast", "np.maximum", "np.minimum")
    ):
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)


OPERATORS: dict[str, Rule] = {
    "sign": _sign,
    "factor": _factor,
    "operand": _operand,
    "constant": _constant,
    "index": _index,
    "dtype": _dtype,
    "term": _term,
    "argument": _argument,
}
