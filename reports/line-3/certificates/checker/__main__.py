"""`python FOLDER FILE...` and `python -m certflow.certificate.checker FILE...`."""

import os
import sys
import types

if not __package__:  # the folder itself was named: it is a package of its own, and nothing is found beside it
    __package__ = "checker"
    package = types.ModuleType(__package__)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[__package__] = package
    sys.path[:] = sys.path[1:]  # the folder again, whose modules are no top-level ones

from .verdicts import main

sys.exit(main(sys.argv[1:]))
