"""Certificates and the Coq proof assistant: theorems of one mixture, given to its kernel, and a checker that is proved.

`instances` and `witness` write the text of a theorem, `theories` what it rests on, `kernel` has it compiled and says
what came of it, `statement` is what a reader needs of the text. `proved` builds the rules of the checker as a program
from their proved text, and asks it.
"""

from certflow.formal.gallina import NotServed
from certflow.formal.kernel import Compilation, Kernel, KernelVerdict, opened_kernel
from certflow.formal.proved import ProvedChecker, opened_proved_checker
from certflow.formal.statement import statement_of
from certflow.formal.text import theorem_file

__all__ = [
    "Compilation",
    "Kernel",
    "KernelVerdict",
    "NotServed",
    "ProvedChecker",
    "opened_kernel",
    "opened_proved_checker",
    "statement_of",
    "theorem_file",
]
