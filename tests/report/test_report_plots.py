"""Figures: deterministic, distinct ids, nothing active, and right where the numbers can be checked."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from depth import night, nightly
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import certflow
from certflow.report.axes import scale_wide_range
from certflow.report.density import mass_levels, trajectories
from certflow.report.document import Curves
from certflow.report.plots import amplification, density_and_flow, figure_named, figures_for, rates
from certflow.report.svg import isolate


def curve_figures(curves):
    """The charts that the curves have data for."""
    drawn = {name: figure_named(name, curves, None, 0) for name in ("rates", "stability", "amplification")}
    return {name: svg for name, svg in drawn.items() if svg}


def process(means, variance="0.04", t_min="0.01", t_max="3"):
    weights = [f"1/{len(means)}"] * len(means)
    mixture = certflow.GaussianMixture(weights, means, variance)
    return certflow.OrnsteinUhlenbeck(mixture, t_min=t_min, t_max=t_max)


def test_figures_of_a_report(report, figures):
    assert list(figures) == ["density-flow", "rates", "stability", "amplification"]
    assert list(figures_for(report)) == ["rates", "stability", "amplification"]
    assert figures_for(report.model_copy(update={"curves": None})) == {}


def test_same_data_same_bytes_and_no_global_state(report, figures):
    before = dict(mpl.rcParams)
    assert curve_figures(report.curves) == {name: figures[name] for name in ("rates", "stability", "amplification")}
    assert dict(mpl.rcParams) == before


def test_a_users_style_does_not_change_a_figure(report, figures):
    with mpl.rc_context({"lines.linewidth": 9, "axes.facecolor": "red"}):
        assert curve_figures(report.curves)["rates"] == figures["rates"]


def test_ids_do_not_clash(figures):
    identifiers = [i for svg in figures.values() for i in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(identifiers) == len(set(identifiers))
    for name, svg in figures.items():
        defined = set(re.findall(r'\bid="([^"]+)"', svg))
        used = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
        assert used <= defined
        assert all(identifier.startswith(f"{name}-") for identifier in defined)


def test_svg_has_no_style_sheet_no_date_no_script(figures):
    for svg in figures.values():
        root = ElementTree.fromstring(svg)
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
            "svg", "g", "defs", "path", "use", "clipPath", "rect", "title", "metadata",
        }  # fmt: skip
        assert not re.search(r"<dc:|Matplotlib v|20\d\d-\d\d", svg)


def test_curves_without_bounds_have_no_figure(report):
    curves = report.curves.model_copy(update={"lipschitz": None, "growth_rate": None})
    assert list(curve_figures(curves)) == ["stability", "amplification"]


def test_exponents_that_no_float_holds_are_drawn():
    assert amplification([0.01, 0.1, 1.0], None, [0.0, 1000.0, 2000.0]) is not None


def test_rates_of_either_sign_and_undefined_values_are_drawn():
    times = tuple(np.geomspace(0.01, 3, 20).tolist())
    for lipschitz, growth in (
        ((300.0,) * 20, tuple(np.linspace(-5, 300, 20).tolist())),
        ((float("inf"), *[1.0] * 19), None),
        ((float("nan"),) * 20, None),
    ):
        curves = Curves(
            times=times, lipschitz=lipschitz, growth_rate=growth, stability_two_sided=None, stability_one_sided=None
        )
        assert rates(curves) is not None


@pytest.mark.parametrize("size", [(8.6, 3.2), *night(((8.6, 3.9),))])
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-8e-4, 1086), (-8e-4, 25), (-1e-12, 1e9), (0, 1e5), (-5, 300), (-1, 60), (-300, 300), (-300, 5), (-21, 1e-3),
        (-60, 0), (-1e5, -1), (-1e4, 1e9), (-1e200, 1e200),
    ],
)  # fmt: skip
def test_labels_of_an_axis_of_either_sign_are_apart(low, high, size):
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0.01, 3], [low, high])
    scale_wide_range(axes, np.array([low, high]))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    bottom, top = axes.get_ylim()
    assert bottom <= low <= high <= top
    shown = [label for label in axes.get_yticklabels() if bottom <= label.get_position()[1] <= top]
    values = [label.get_position()[1] for label in shown]
    boxes = [label.get_window_extent(canvas.get_renderer()) for label in shown]
    assert values == sorted(values)
    assert len(values) >= 3
    assert all(upper.y0 - lower.y1 >= 3 for lower, upper in pairwise(boxes))
    for label, value in zip(shown, values, strict=True):
        sign, exponent = re.fullmatch(r"\$(-?)(?:0|10\^\{(\d+)\})\$", label.get_text()).groups()
        assert value == pytest.approx((-1 if sign else 1) * 10.0 ** int(exponent) if exponent else 0, rel=1e-12)


@pytest.mark.parametrize(
    "means",
    [
        [["-1"], ["1"]],
        [["0"]],
        [["1", "0", "0", "0"], ["0", "1", "0", "0"], ["0", "0", "2", "0"]],
        *night([["-1", "0"], ["1", "0"]], [["1", "2"]], [["1", "2", "3"]]),
    ],
)
def test_density_and_flow_in_every_dimension(means):
    p = process(means)
    svg = density_and_flow(p, lines=6)
    assert density_and_flow(p, lines=6) == svg
    ElementTree.fromstring(svg)


def test_the_figure_of_one_law_is_drawn_once(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "certflow.report.plots.density_and_flow", lambda p, **_: drawn.append(p) or f"<svg {len(drawn)}>"
    )

    def figure(mean="0.123", t_min="0.01", kind=certflow.OrnsteinUhlenbeck, seed=0):
        law = certflow.GaussianMixture(["0.5", "0.5"], [[mean], ["1"]], "0.1", name="once")
        return figure_named("density-flow", None, kind(law, t_min, "3"), seed)

    class Other(certflow.OrnsteinUhlenbeck):
        pass

    assert figure() == figure()
    assert len(drawn) == 1
    assert (drawn[0].mixture.means == [[0.123], [1.0]]).all()
    found = {figure(), figure(mean="0.1"), figure(t_min="0.02"), figure(kind=Other), figure(seed=1)}
    assert len(found) == len(drawn) == 5


def test_density_of_anisotropic_components_is_projected():
    covariances = [np.diag([1, 2, 3]).tolist(), np.diag([2, 1, 1]).tolist()]
    mixture = certflow.GaussianMixture(["0.5", "0.5"], [[0, 0, 0], [3, 0, 1]], covariances)
    assert density_and_flow(certflow.OrnsteinUhlenbeck(mixture), lines=4).startswith("<svg")


@nightly
def test_many_narrow_modes_do_not_exhaust_memory():
    rng = np.random.default_rng(0)
    p = process([[str(round(v, 3)) for v in row] for row in rng.normal(size=(1500, 2))], "0.0001", "0.001")
    assert len(density_and_flow(p, lines=4)) < 5_000_000


def test_trajectories_end_where_the_flow_map_says():
    p = process([["-1", "0"], ["1", "0"]])
    start = np.array([[0.3, -0.4], [-1.2, 0.7]])
    path = trajectories(p, start, np.geomspace(3.0, 0.01, 9))
    assert path.shape == (9, 2, 2)
    np.testing.assert_allclose(path[-1], p.flow(start, 3.0, 0.01), rtol=1e-4, atol=1e-5)


def test_levels_hold_the_mass_of_a_normal_law():
    """The standard normal law in the plane has density (1 - q) / 2 pi on the edge of its region of mass q."""
    nodes = np.linspace(-6, 6, 601)
    x, y = np.meshgrid(nodes, nodes)
    density = np.exp(-(x**2 + y**2) / 2) / (2 * np.pi)
    levels = mass_levels(density, np.full_like(density, (nodes[1] - nodes[0]) ** 2))
    np.testing.assert_allclose(levels, [(1 - q) / (2 * np.pi) for q in (0.95, 0.8, 0.5, 0.2)], rtol=2e-3)


def test_levels_increase_even_on_a_plateau():
    levels = mass_levels(np.ones((4, 4)), np.ones((4, 4)))
    assert all(a < b for a, b in pairwise(levels))


def test_isolating_twice_changes_nothing(figures):
    assert isolate(figures["rates"], "rates") == figures["rates"]


def test_foreign_svg_loses_what_is_active():
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'onload="alert(1)">'
        "<script>alert(1)</script><style>@import 'http://x';</style><foreignObject><p/></foreignObject>"
        '<image href="http://x/y.png"/><a href="http://x"><path d="M0 0"/></a>'
        '<g id="a"><path onclick="alert(1)" style="fill: url(http://x#p)" d="M0 0"/>'
        '<use xlink:href="http://x/y.svg#z"/><use href="#a"/></g></svg>'
    )
    clean = isolate(svg, "mine", "A title & more")
    assert not re.search(r"script|import|foreign|image|<a|onclick|onload|http://x[/#\"')]", clean)
    assert 'id="mine-a"' in clean
    assert 'href="#mine-a"' in clean
    assert "A title &amp; more</title>" in clean


def test_plots_use_no_pyplot():
    modules = "certflow.report.density, certflow.report.plots"
    code = f"import sys, {modules}; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
