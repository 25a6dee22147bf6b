"""The page of an audit in a real browser, offline: nothing is fetched, nothing is logged, nothing overflows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pages import OVERFLOWING, Visit

import certflow as cf


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    mixture = cf.load_mixture("two-modes")
    exact = cf.OrnsteinUhlenbeck(mixture)
    few = {"samples": 1024, "times": 2, "t_min": "0.3", "t_max": "1", "segments": 2}
    found = cf.audit(lambda x, t: exact.score(x, t) + np.cos(x), mixture, **few)
    directory = tmp_path_factory.mktemp("audit")
    found.save(directory, "certflow audit nets:score two-modes")
    return directory / "audit.html"


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1400, "light")])
def test_page_loads_alone_and_fits(browser, page_file, width, scheme):
    with Visit(browser, page_file, width, scheme) as visit:
        assert visit.requests == [visit.url]
        assert visit.complaints == []
        scroll, client = visit.page.evaluate(OVERFLOWING)
        assert scroll <= client == width
        boxes = visit.page.evaluate(
            "() => [...document.querySelectorAll('figure svg')].map(e => e.getBoundingClientRect().width)"
        )
        assert len(boxes) == 3
        assert min(boxes) > 200
        assert visit.page.locator(".overall .mark.violated").inner_text() == "above the threshold, empirical"
