"""Time grids: nodes that export themselves, and the way back from an exported file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from certflow.errors import InputError
from certflow.grids.export.formats import SCHEMA, Export, finite_sigmas, plain
from certflow.grids.export.reading import times_of_sigmas, times_of_timesteps
from certflow.grids.export.targets import export
from certflow.grids.nodes import DISTILLED, MAX_SEGMENTS, Nodes
from certflow.numbers.inputs import file_path, real_number


@dataclass(frozen=True, eq=False, repr=False)
class TimeGrid(Nodes):
    """The nodes of a sampler, in OU time, latest (noisiest) first.

    Parameters and errors as `Nodes` has them: `kind`, `times`, `options`, `sampler`.
    """

    def export(self, format: str, **options: Any) -> Export:
        """The nodes as a sampler library takes them, see `certflow.grids.export.targets`.

        Examples
        --------
        >>> from certflow.grids import TimeGrid
        >>> found = TimeGrid("by hand", [2.0, 1.0, 0.5]).export("k-diffusion")
        >>> found.target, [round(sigma, 4) for sigma in found.arguments["sigmas"]], found.lossy
        ('sample_euler', [7.3211, 2.5277, 1.3108, 0.0], False)
        """
        return export(self, format, **options)

    @classmethod
    def from_sigmas(cls, sigmas: Any, scheduler: Any = None, *, mu: Any = None, **config: Any) -> Self:
        """`t = log(1 + sigma^2) / 2` of noise levels, or of what a scheduler of diffusers takes as `sigmas`.

        The inverse of `export`: `k-diffusion` (no scheduler), and `diffusers` for classes that take sigmas. A zero at
        the end is no node, for there `t = 0`: `options["end"]` is then "zero", the level to which the sampler steps on
        from the last node; without it "t_min", where it stops.

        Parameters
        ----------
        sigmas : shape (n,), list, NumPy array or tensor, noise end first
        scheduler : None, and they are `sigma = sqrt(e^{2t} - 1)` (EDM, k-diffusion); or the scheduler whose
            `set_timesteps(sigmas=...)` gets them, its config or its class name: for classes of flow matching they are
            `u = sigma/(1 + sigma)` before the shift, for EDMEulerScheduler places on its ramp
        mu, config : as for `export("diffusers")`

        Raises
        ------
        InputError : what is no such number, one that is not lower than the one before, pure noise (`t` infinite).

        Examples
        --------
        >>> from certflow.grids import TimeGrid
        >>> grid = TimeGrid.from_sigmas([20, 2, 0.5, 0])
        >>> grid, grid.options["end"]
        (TimeGrid(custom, K=2: 2.997, 0.8047, 0.1116), 'zero')
        >>> TimeGrid.from_sigmas([0.9, 0.5, 0.1], "FlowMatchEulerDiscreteScheduler", shift=3).sigmas.round(6)
        array([27.      ,  3.      ,  0.333333])
        """
        times, said = times_of_sigmas(sigmas, scheduler, mu, config)
        return cls("custom", times, said)

    @classmethod
    def from_timesteps(cls, timesteps: Any, schedule: Any = None, *, mu: Any = None, **config: Any) -> Self:
        """OU times of timesteps: `t = -log(alpha_bar) / 2` of a training schedule, or what a scheduler means by them.

        Parameters
        ----------
        timesteps : shape (n,), list, NumPy array or tensor, in the order in which `export` writes them
        schedule : a scheduler of diffusers, its config or its class name, for what `export("diffusers")` writes for
            it, or else for its own `timesteps` once it is set (of HeunDiscreteScheduler, which lists all but the first
            twice, `[::2]`); a noise schedule with a method `ou_time`; or None
        mu, config : as for `export("diffusers")`; with None what names a training schedule: `alphas_cumprod`,
            `trained_betas` or `beta_schedule` and its entries. Between whole timesteps `log sigma` is linear, as in
            `export("json")`; for HeunDiscreteScheduler sigma is

        A zero is timestep 0, a node; for classes of flow matching and SCMScheduler it is the end, as in `from_sigmas`.

        Raises
        ------
        InputError : no schedule; timesteps outside of it, or broken where whole ones are needed; one whose noise level
            is not lower than the one before; pure noise (`t` infinite).

        Examples
        --------
        >>> from certflow.grids import TimeGrid
        >>> TimeGrid.from_timesteps([900, 500, 20], "DDPMScheduler")
        TimeGrid(custom, K=2: 4.108, 1.277, 0.003142)
        """
        times, said = times_of_timesteps(timesteps, schedule, mu, config)
        return cls("custom", times, said)


def from_json(document: str | Mapping[str, Any]) -> TimeGrid:
    """The grid of a JSON export, exactly: the same kind, options and bits of every node.

    Raises
    ------
    InputError : not such a document, or one whose sigmas are not those of its times.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:  # an integer of too many digits, lists too deep in each other
            raise InputError("grid", document, f"JSON: {error}") from None
    if not isinstance(document, Mapping):
        raise InputError("grid", document, "a JSON object")
    if document.get("schema") != SCHEMA:
        raise InputError("grid", f"schema {document.get('schema')}", f"schema {SCHEMA}, written by export('json')")
    kind, options, times = document.get("kind"), document.get("options", {}), document.get("times")
    sampler = document.get("sampler", DISTILLED)
    if not isinstance(kind, str) or not isinstance(options, Mapping) or not isinstance(times, list):
        raise InputError("grid", sorted(document), "kind (text), options (an object) and times (a list)")
    grid = TimeGrid(kind, np.array([_number(time) for time in times]), options, sampler)
    written = document.get("sigmas")
    if written is not None:
        own = plain(finite_sigmas(grid))
        if not isinstance(written, list) or len(written) != len(own) or not all(map(_close, written, own)):
            raise InputError("sigmas", written, "sqrt(e^{2t} - 1) of the times in the same file")
    return grid


def load(path: str | Path) -> TimeGrid:
    """The grid of a file written with `export('json').text()`."""
    target = file_path(path, "grid", "the name of a JSON file")
    try:
        text = target.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("grid", str(path), f"a readable JSON file ({type(error).__name__})") from None
    return from_json(text)


def _number(value: Any) -> float:
    return real_number(value, "times", "numbers")


def _close(left: Any, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    try:
        return isinstance(left, int | float) and abs(left - right) <= 1e-9 * right
    except OverflowError:  # an integer beyond float64
        return False


__all__ = ["MAX_SEGMENTS", "TimeGrid", "from_json", "load"]
