"""What Hypothesis calls when it loads (entry point `hypothesis`): `st.from_type(cf.GaussianMixture)` works then.

The two classes are loaded for it, with NumPy; what draws them is loaded where it is first asked for.
"""

from __future__ import annotations

from typing import Any


def register() -> None:
    """Tell Hypothesis how to draw `GaussianMixture` and `OrnsteinUhlenbeck`."""
    from hypothesis import strategies as st

    from certflow.law.mixture import GaussianMixture
    from certflow.process import OrnsteinUhlenbeck

    st.register_type_strategy(GaussianMixture, _mixtures)
    st.register_type_strategy(OrnsteinUhlenbeck, _processes)


def _mixtures(thing: Any) -> Any:
    from certflow.testing.strategies.mixtures import mixtures

    return mixtures()


def _processes(thing: Any) -> Any:
    from certflow.testing.strategies.processes import processes

    return processes()
