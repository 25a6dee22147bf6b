"""What is computed from a mixture once, kept with it.

`mixture.kept[maker]` is `maker(mixture)`, and `mixture.kept[maker, a, b]` is `maker(mixture, a, b)`: made when it is
first asked for, the same object ever after. A maker is a function of the module that knows the formula, and its
arguments are hashable. What is kept goes with the mixture: it is left out of copies and pickles.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar
from weakref import ref

Value = TypeVar("Value")


class Kept(dict[Any, Any]):
    """The kept values by maker, or by `(maker, *arguments)`; two threads may at worst both make the first one.

    A subscript of a dictionary, so that what is there already costs no call of a function.
    """

    def __init__(self, owner: object):
        super().__init__()
        self._owner = ref(owner)  # a strong one would keep both alive until the next round of garbage collection

    def __missing__(self, key: Any) -> Any:
        maker, *arguments = key if isinstance(key, tuple) else (key,)
        return self.setdefault(key, maker(self._owner(), *arguments))


class Recent(dict[Hashable, Value], Generic[Value]):
    """At most so many values: where one more comes, those before it go."""

    def __init__(self, most: int):
        super().__init__()
        self.most = most

    def keep(self, key: Hashable, value: Value) -> Value:
        """The value, which is found under its key from now on."""
        if len(self) >= self.most:  # (another thread may do so too: what was found stays at hand)
            self.clear()
        self[key] = value
        return value
