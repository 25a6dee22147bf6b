"""`certflow mixtures`: list the built-in mixtures, print a mixture file, fit a mixture to data."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from certflow.commands.completion import among
from certflow.commands.completion import mixtures as known_mixtures
from certflow.commands.options import Width
from certflow.commands.output import print_json, warn
from certflow.commands.plotting import plot_targets
from certflow.commands.texts import (
    LARGEST_SEED,
    choice,
    file_target,
    headline,
    integer,
    read_mixture,
    renamed,
    writing,
)
from certflow.errors import InputError
from certflow.law.mixture import GaussianMixture
from certflow.numbers.arrays import Points
from certflow.numbers.numerals import figure
from certflow.progress import progress_of_one
from certflow.terminal import filled, table

if TYPE_CHECKING:
    from certflow.law.fitting import Fit

#: Numbers of components that `--compare` tries, at most.
_MOST_COMPARED = 100
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
    print("\n" + filled("K components in R^d; D is the largest distance between two means."))
    return 0


@mixtures.command("show")
def show(
    mixture: Annotated[
        str, typer.Argument(metavar="NAME", help="A built-in name, or a mixture file.", autocompletion=known_mixtures)
    ],
) -> int:
    """Print a mixture as a mixture file.

    JSON with every number exact, ready to be saved and edited.
    """
    print_json(_file_text(read_mixture(mixture)))
    return 0


@mixtures.command("fit")
def fit(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A .npy, .npz, .csv, .tsv or .txt file, one point in each row.")
    ],
    components: Annotated[str, typer.Option(metavar="K|K,K,...", help="Number of components; of several the best.")],
    covariance_type: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(COVARIANCE_TYPES),
            autocompletion=among(COVARIANCE_TYPES),
            help="One variance for each component, one for all, one matrix for all, one matrix for each, "
            "one diagonal for each (default: common, which keeps most claims, unless the data speak against it).",
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Compare all numbers of components up to K.")] = False,
    seed: Annotated[str, typer.Option(metavar="N", help="Seed of the restarts.")] = "0",
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE.svg|pdf|png", help="Draw the comparison here; makes one where none is asked."),
    ] = None,
    width: Width = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write here (.json, .toml, .npz) instead of printing.")
    ] = None,
) -> int:
    """Fit a mixture to data by expectation maximisation (scikit-learn).

    Says which claims each covariance type keeps and loses, and compares types and numbers of components by BIC and by
    the log-likelihood of rows that were held out.
    """
    from certflow.commands.data_file import read_points
    from certflow.law.formats import save_mixture

    counts = _counts(components, compare)
    types: tuple[str, ...] = COVARIANCE_TYPES
    if covariance_type is not None:
        types = (choice(covariance_type, "--covariance-type", COVARIANCE_TYPES),)
    number = integer(seed, "--seed", 0, LARGEST_SEED)
    target = file_target(out, "--out", (".json", ".toml", ".npz"))
    (picture,) = plot_targets(width, plot)
    points = read_points(data)
    told = ""
    with renamed({"n_components": "--components"}):
        if len(types) == len(counts) == 1 and picture is None:
            found, asked = _fitted(points, counts[0], types[0], number), types[0]
            if target is not None:
                told = _kept(asked, found)
        else:
            from certflow.commands.fit_guidance import choose, lines_of

            with progress_of_one("fit") as progress:
                made = choose(points, counts, types, number, progress)
            found, told = made.fit, lines_of(made)
    fitted = GaussianMixture(
        found.weights,
        found.means,
        found.covariances,
        name=Path(data).stem,
        origin={**found.origin, "data": Path(data).name},
    )
    if not fitted.origin["converged"]:
        warn("the fit has NOT converged: more data or fewer components may help")
    if picture is not None:
        from certflow.commands.fit_plot import draw

        draw(made, Path(data).stem, picture)
    if target is None:
        if told:
            with suppress(OSError, ValueError):  # what nobody listens to
                print(f"{told}\n", file=sys.stderr)
        print_json(_file_text(fitted))
        return 0
    with writing("--out", target):
        save_mixture(fitted, target)
    print(f"{told}\n")
    print(filled(f"{headline(fitted)}, from {len(points)} points"))
    print(f"mean log-likelihood {fitted.origin['mean_log_likelihood']:.6g}, {_convergence(fitted)}")
    print(f"Written: {target}" + ("" if picture is None else f", {picture.path}"))
    return 0


def _counts(text: str, up_to: bool) -> list[int]:
    """The numbers of components that are compared, ascending."""
    listed = sorted({integer(part.strip(), "--components", 1, 100_000) for part in text.split(",")})
    if not up_to:
        return listed
    if len(listed) > 1 or listed[0] > _MOST_COMPARED:
        raise InputError(
            "--components", text, f"one number up to {_MOST_COMPARED} with --compare, which tries all up to it"
        )
    return list(range(1, listed[0] + 1))


def _fitted(points: Points, count: int, word: str, seed: int) -> Fit:
    import warnings

    from certflow.law.fitting import fit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is in its origin
        return fit(points, count, covariance_type=word, seed=seed)


def _kept(word: str, found: Fit) -> str:
    """What the fit of the type that was asked for loses."""
    from certflow.commands.fit_claims import standings
    from certflow.commands.fit_guidance import claims_table, lost_lines

    count: int = found.origin["n_components"]
    standing = standings(dict.fromkeys(COVARIANCE_TYPES, count), found.means.shape[1], {(word, count): found})
    return "\n".join([claims_table(standing), "", *lost_lines(standing, word)])


def _convergence(fitted: GaussianMixture) -> str:
    return "converged" if fitted.origin["converged"] else "NOT converged: more data or fewer components may help"


def _file_text(mixture: GaussianMixture) -> str:
    from certflow.law.formats import to_mapping
    from certflow.report.formatting import json_text

    mapping = json.loads(json.dumps(to_mapping(mixture)))
    return json_text(mapping) + "\n"
