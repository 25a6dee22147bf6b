"""What Hypothesis calls when it loads (entry point `hypothesis`): `st.from_type(cf.GaussianMixture)` works then.

Whoever has both packages loads this with Hypothesis: the two classes are registered when they are loaded, and what
draws them is loaded where it is first asked for.
"""

from __future__ import annotations

from typing import Any

from certflow.lazy import when_loaded


def register() -> None:
    """Tell Hypothesis how to draw `GaussianMixture` and `OrnsteinUhlenbeck`, once there are such classes."""
    when_loaded("certflow.law.mixture", _register_mixtures)
    when_loaded("certflow.process", _register_processes)


def _register_mixtures() -> None:
    from hypothesis import strategies as st

    from certflow.law.mixture import GaussianMixture

    st.register_type_strategy(GaussianMixture, _mixtures)


def _register_processes() -> None:
    from hypothesis import strategies as st

    from certflow.process import OrnsteinUhlenbeck

    st.register_type_strategy(OrnsteinUhlenbeck, _processes)


def _mixtures(thing: Any) -> Any:
    from certflow.testing.strategies.mixtures import mixtures

    return mixtures()


def _processes(thing: Any) -> Any:
    from certflow.testing.strategies.processes import processes

    return processes()
