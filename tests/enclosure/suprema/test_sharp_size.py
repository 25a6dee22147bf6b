"""Coverings and certificates of sharp rates stay small: without cells for ridges, with a wider gap, or closed."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from depth import nightly

import certflow as cf
from certflow.certificate import sharp as certificates
from certflow.certificate.checker import check
from certflow.certificate.envelope import certificate_text
from certflow.enclosure.suprema import search
from certflow.enclosure.suprema.common import coarser
from certflow.enclosure.suprema.sharp import sharp_rate

#: A double pyramid, whose longest diagonal runs through its inside: thousands of cells along its ridges gain nothing.
PYRAMIDS = [["0", "0", "1.1"], ["0", "0", "-1"], ["1", "0", "0"], ["-0.5", "0.8", "0"], ["-0.5", "-0.8", "0"]]
#: A product of a line of three and a line of four: two coverings.
GRID = [[x, y] for x, y in product(("-1", "0", "1"), ("-0.9", "-0.2", "0.3", "0.8"))]


def process(means: list[list[str]], variance: str = "0.04") -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.GaussianMixture([Fraction(1, len(means))] * len(means), means, variance))


def named(name: str) -> cf.OrnsteinUhlenbeck:
    return cf.OrnsteinUhlenbeck(cf.load_mixture(name))


@pytest.mark.usefixtures("still_clock")
def test_ridges_that_gain_nothing_get_no_cells() -> None:
    small = sharp_rate(process(PYRAMIDS), "0.3")
    assert small.complete
    assert small.leaves < 1000


@pytest.mark.usefixtures("still_clock")
@nightly
def test_with_cells_at_every_ridge_they_are_many_more(monkeypatch: pytest.MonkeyPatch) -> None:
    small = sharp_rate(process(PYRAMIDS), "0.3")
    monkeypatch.setattr(search, "_LARGE", 10**9)
    large = sharp_rate(process(PYRAMIDS), "0.3", gap="1e-6")
    assert large.leaves > 5000
    assert large.lower == small.lower
    assert small.upper < large.upper


def test_ridges_that_are_needed_keep_their_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sharp_rate(named("ring-8"), "0.3")
    monkeypatch.setattr(search, "_LARGE", 1)
    after = sharp_rate(named("ring-8"), "0.3")
    assert after.complete
    assert 0 < after.leaves <= before.leaves
    assert (after.lower, after.upper) == (before.lower, before.upper)


@pytest.mark.parametrize("kind", ["one-sided", "two-sided"])
def test_the_closed_form_takes_the_place_of_the_largest_coverings(kind: str) -> None:
    law = process(GRID)
    found = sharp_rate(law, "0.3", kind)
    sizes = sorted(block.leaves for block in found.blocks)
    assert len(sizes) == 2
    assert sizes[0] > 0
    assert coarser(found, law.mixture, sum(sizes)) is found
    previous = found
    for most in (sum(sizes) - 1, 0):
        part = coarser(found, law.mixture, most)
        assert part.leaves <= most
        assert not part.complete
        assert (part.lower, part.witness) == (found.lower, found.witness)
        assert part.upper >= previous.upper
        previous = part
    # Popoviciu for both lines: V* <= D^2/4 = 1
    assert previous.spread is not None
    assert previous.spread[1] == 1
    closed = sharp_rate(process([["-1"], ["1"]]), "0.3", kind)
    assert abs(previous.upper - closed.upper) <= abs(closed.upper) * Fraction(1, 10**19)


def test_a_certificate_takes_the_first_gap_that_is_small_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    law = named("ring-8")
    gaps = [Fraction(1, 10**k) for k in range(3, 0, -1)]
    rates = [sharp_rate(law, "0.3", gap=gap) for gap in gaps]
    for most in sorted({rate.leaves for rate in rates}):
        monkeypatch.setattr(certificates, "MAX_LEAVES", most)
        content, found = certificates.sharp_certificate(law, "0.3", gap=gaps[0])
        assert found.leaves <= most
        assert found.complete
        first = next(rate for rate in rates if rate.leaves <= most)
        assert (found.lower, found.upper) == (first.lower, first.upper)
        assert check(certificate_text(content)).accepted


@pytest.mark.parametrize("gap", ["1e-3", "0.2"])
@pytest.mark.parametrize("law", [named("ring-8"), process(GRID)], ids=["ring", "grid"])
def test_a_certificate_that_cannot_be_small_is_closed(
    law: cf.OrnsteinUhlenbeck, gap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = sharp_rate(law, "0.3")
    monkeypatch.setattr(certificates, "MAX_LEAVES", 0)
    content, found = certificates.sharp_certificate(law, "0.3", gap=gap)
    assert found.leaves == 0
    assert not found.complete
    assert found.lower <= exact.upper
    assert exact.lower <= found.upper
    assert found.upper > exact.upper
    assert all(block["cover"] is None for block in content["proof"]["blocks"])
    verdict = check(certificate_text(content))
    assert verdict.accepted, verdict.text
