"""Certificates as theorems of the Coq proof assistant: the statement of one mixture, given to its kernel.

`instances` and `witness` write the text of a theorem, `theories` what it rests on, `kernel` has it compiled and says
what came of it.
"""

from certflow.formal.instances import NotServed
from certflow.formal.kernel import Kernel, KernelVerdict, opened_kernel
from certflow.formal.text import theorem_file

__all__ = ["Kernel", "KernelVerdict", "NotServed", "opened_kernel", "theorem_file"]
