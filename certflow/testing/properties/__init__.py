"""The statements of the theory as properties, held against any process at drawn points, times, maps and mixtures.

`PROPERTIES` has them all, a module for each chapter. `Property.run(process, seed=, examples=)` looks for a
counterexample and returns a `Result`; `Property.holds(process, *arguments)` asserts at given arguments, for tests of
one's own:

    from hypothesis import given, strategies as st
    from certflow.testing import processes
    from certflow.testing.properties import PROPERTIES

    @given(st.data())
    def test_every_property(data):
        for each in PROPERTIES:
            process = data.draw(processes(**each.mixtures))
            if each.applies(process.mixture) is None:
                each.holds(process, *data.draw(each.strategy(process)))

What is right at a point comes from elsewhere than the code that is tested: from differences in mpmath, closed forms,
other mixtures of the same law. Every tolerance is a bound of rounding, or of the error of the reference flow, and
stands where it is used.
"""

from __future__ import annotations

from certflow.testing.properties import composition, field, grids, invariance, mismatch, spatial, stability
from certflow.testing.properties.property import Property, Refuted

#: In the order of the chapters.
PROPERTIES: tuple[Property, ...] = (
    *field.PROPERTIES,
    *invariance.PROPERTIES,
    *spatial.PROPERTIES,
    *stability.PROPERTIES,
    *composition.PROPERTIES,
    *mismatch.PROPERTIES,
    *grids.PROPERTIES,
)

__all__ = ["PROPERTIES", "Property", "Refuted"]
