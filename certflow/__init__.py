"""certflow: checkable mathematical claims about flow distillation of Gaussian mixtures.

Names load on first use: `import certflow` imports neither torch nor SymPy.

PYTEST_DONT_REWRITE: pytest would rewrite the assertions of the whole package, since it has a plugin.
"""

from __future__ import annotations

from certflow.lazy import attributes

__version__ = "0.1.0"

#: Where each public name lives; empty for the packages that are reached as attributes, `cf.distill.run(...)`.
_HOMES: dict[str, str] = {
    "distill": "",
    "enclosure": "",
    "grids": "",
    "networks": "",
    "samplers": "",
    "schedules": "",
    "sweep": "",
    "testing": "",
    "GaussianMixture": "certflow.law.mixture",
    "OrnsteinUhlenbeck": "certflow.process",
    "Model": "certflow.schedules.model",
    "load_mixture": "certflow.law.library",
    "builtin_mixtures": "certflow.law.library",
    "verify": "certflow.verification",
    "time_grid": "certflow.planning.time_grid",
    "TimeGrid": "certflow.grids.grid",
    "audit": "certflow.auditing.examination",
    "doctor": "certflow.diagnosis",
    "InputError": "certflow.errors",
    "NoGlobalBound": "certflow.errors",
}

__all__ = ["__version__", *_HOMES]
__getattr__, __dir__ = attributes(__name__, _HOMES, ("__version__",))
