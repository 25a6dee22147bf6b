"""`certflow mixtures`: list the built-in mixtures, print a mixture file, fit a mixture to data."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import shorten
from typing import Annotated

import typer

from certflow.commands.output import print_json, warn
from certflow.commands.texts import (
    LARGEST_SEED,
    choice,
    file_target,
    headline,
    integer,
    read_mixture,
    renamed,
    table,
    writing,
)
from certflow.law.mixture import GaussianMixture
from certflow.numbers.numerals import figure

COVARIANCE_TYPES = ("spherical", "common", "tied", "full", "diag")

mixtures = typer.Typer(help="The built-in mixtures; mixture files; mixtures fitted to data.", no_args_is_help=False)


@mixtures.callback(invoke_without_command=True)
def _default(context: typer.Context) -> int:
    return 0 if context.invoked_subcommand else list_mixtures()


@mixtures.command("list")
def list_mixtures() -> int:
    """List the built-in mixtures."""
    from certflow.law.library import builtin_mixtures, load_mixture

    rows = []
    for name in builtin_mixtures():
        mixture = load_mixture(name)
        about = str(mixture.origin.get("description") or mixture.origin.get("data") or "")
        size = (str(mixture.n_components), str(mixture.dimension))
        rows.append((name, mixture.kind, shorten(about, 56, placeholder=" …"), *size, figure(mixture.diameter, 4)))
    print(table(("name", "covariance", "what it is", "K", "d", "D"), rows, left=3))
    print("\nK components in R^d; D is the largest distance between two means.")
    return 0


@mixtures.command("show")
def show(
    mixture: Annotated[str, typer.Argument(metavar="NAME", help="A built-in name, or a mixture file.")],
) -> int:
    """Print a mixture as a mixture file.

    JSON with every number exact, ready to be saved and edited.
    """
    print_json(_file_text(read_mixture(mixture)))
    return 0


@mixtures.command("fit")
def fit(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A .npy or .csv file, one point in each row.")],
    components: Annotated[str, typer.Option(metavar="K", help="Number of components.")],
    covariance_type: Annotated[
        str,
        typer.Option(
            metavar="|".join(COVARIANCE_TYPES),
            help="One variance for each component, one for all, one matrix for all, one matrix for each, "
            "one diagonal for each.",
        ),
    ] = "spherical",
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of the restarts.")] = "0",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write here (.json, .toml, .npz) instead of printing.")
    ] = None,
) -> int:
    """Fit a mixture to data by expectation maximisation (scikit-learn)."""
    import warnings

    from certflow.commands.data_file import read_points
    from certflow.law.formats import save_mixture

    count = integer(components, "--components", 1, 100_000)
    choice(covariance_type, "--covariance-type", COVARIANCE_TYPES)
    number = integer(seed, "--seed", 0, LARGEST_SEED)
    target = file_target(out, "--out", (".json", ".toml", ".npz"))
    points = read_points(data)
    with renamed({"n_components": "--components"}), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fitted = GaussianMixture.fit(points, count, covariance_type, seed=number, name=Path(data).stem)
    for warning in said:
        warn(str(warning.message))
    fitted.origin["data"] = Path(data).name
    if target is None:
        print_json(_file_text(fitted))
        return 0
    with writing("--out", target):
        save_mixture(fitted, target)
    print(f"{headline(fitted)}, from {len(points)} points")
    print(f"mean log-likelihood {fitted.origin['mean_log_likelihood']:.6g}, {_convergence(fitted)}")
    print(f"Written: {target}")
    return 0


def _convergence(fitted: GaussianMixture) -> str:
    return "converged" if fitted.origin["converged"] else "NOT converged: more data or fewer components may help"


def _file_text(mixture: GaussianMixture) -> str:
    from certflow.law.formats import to_mapping
    from certflow.report.formatting import json_text

    mapping = json.loads(json.dumps(to_mapping(mixture)))
    return json_text(mapping) + "\n"
