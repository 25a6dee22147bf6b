"""Certificates as theorems of the Coq proof assistant: the statement of one mixture, given to its kernel.

`instances` writes the text of a theorem, `theories` what it rests on, `kernel` has it compiled and says what came
of it, `statement` is what a reader needs of the text.
"""

from certflow.formal.instances import NotServed
from certflow.formal.kernel import Compilation, Kernel, KernelVerdict, opened_kernel
from certflow.formal.statement import statement_of
from certflow.formal.text import PARTS, theorem_file

__all__ = [
    "PARTS",
    "Compilation",
    "Kernel",
    "KernelVerdict",
    "NotServed",
    "opened_kernel",
    "statement_of",
    "theorem_file",
]
