"""From what a user has, a list, a text, a file, a scheduler, to a `Schedule`."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from certflow.diagnosis.conventions import (
    CONFIG,
    FAR_STARTS,
    FLOW_LIST,
    HEUN_LIST,
    HIGHEST,
    K_DIFFUSION,
    OU,
    VE_LIST,
    Convention,
    fitted,
    of_name,
    of_object,
)
from certflow.diagnosis.schedule import Schedule, even, whole
from certflow.errors import InputError, unknown
from certflow.grids.export.formats import EXPORT_SCHEMA
from certflow.grids.export.karras import karras
from certflow.numbers.arrays import Floats
from certflow.numbers.inputs import float_array, real_number, whole_number

LIBRARIES = ("diffusers", "k-diffusion", "ou")
_LISTS = ("sigmas", "timesteps", "times")
_KEYS = (*_LISTS, "scheduler", "num_inference_steps", "mu")
_EDM = ("num_steps", "sigma_min", "sigma_max", "rho")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_NAME = re.compile(r"(?:\w+\.set_timesteps\()?(sigma|timestep|time)s?[ \t]*[=:\n]", re.IGNORECASE)
_ARRAY = re.compile(r"(?:[a-z]+\.)*(?:\w*tensor|array)\(", re.IGNORECASE)
_SCALAR = re.compile(r"(?:np|numpy)\.float\d+\(([^()]*)\)")
_REQUIRED = "a file of numbers or JSON, or numbers like '14.6, 5.1, 1.2, 0', after sigmas= or timesteps= if one likes"


def read(source: str | Path) -> Any:
    """The list or the mapping that a file or a text holds.

    JSON (a list, or an object with sigmas, timesteps or times), or numbers separated by commas or spaces, as `print`
    shows a list, an array or a tensor of them, or in a call of `set_timesteps`; a column may have its name above it,
    and lines that begin with # are none.

    Raises
    ------
    InputError : no such file, and no numbers either.
    """
    text, field = str(source), "FILE|LIST"
    try:
        path = Path(text)
        if path.is_file():
            text = path.read_text(encoding="utf-8-sig")
        elif path.is_dir():
            raise InputError(field, text, _REQUIRED)
    except UnicodeDecodeError:
        raise InputError(field, str(source), "a file of text in UTF-8") from None
    except OSError:  # a long list is no name of a file either
        pass
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(field, str(source), _REQUIRED) from None
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict | list):
        return found
    name = _NAME.match(text)
    rest = text[name.end() :] if name else text
    numbers = _written(rest.removesuffix(")") if name and "set_timesteps(" in name[0] else rest)
    if numbers is None:
        raise InputError(field, str(source), _REQUIRED)
    return {f"{name[1].lower()}s": numbers} if name else numbers


def class_or_config(text: str, field: str = "scheduler") -> Any:
    """The name of a class as it stands, or what its `scheduler_config.json` holds.

    Raises
    ------
    InputError : a text that ends like a file which is not there; a file that cannot be read.
    """
    path = Path(text)
    try:
        there = path.is_file()
    except (OSError, ValueError):  # longer than a name may be, or with a character that no name has
        there = False
    if there:
        return read(text)
    if text.lower().endswith(".json"):
        raise InputError(field, text, "a file that can be read, or the name of a class")
    return text


def _written(text: str) -> list[float] | None:
    """The numbers of a list as it is printed; None where there is anything else."""
    text = _SCALAR.sub(r"\1", text.strip())
    if _ARRAY.match(text):  # what follows the list is a type or a device
        text = text[text.find("[") : text.rfind("]") + 1]
    if text[:1] + text[-1:] in ("[]", "()"):
        text = text[1:-1]
    entries = [entry for entry in re.split(r"[\s,;]+", text) if entry]
    if not entries or not all(map(_NUMBER.fullmatch, entries)):
        return None
    return [float(entry) for entry in entries]


def schedule_of(steps: Any, library: Any, scheduler: Any, asked: Any, mu: Any) -> Schedule:
    """The numbers and the convention; see `doctor` for the arguments and errors."""
    if library not in LIBRARIES:
        raise unknown("library", library, LIBRARIES)
    if isinstance(steps, str | Path):
        steps = read(steps)
    if hasattr(steps, "set_timesteps"):
        if scheduler is not None:
            raise InputError("scheduler", scheduler, "none beside a scheduler object")
        return _held(steps, _count(asked), _mu(mu))
    document = _document(steps)
    found, library = document.get("scheduler"), document.get("library", library)
    scheduler = found if scheduler is None else scheduler
    asked = document.get("num_inference_steps") if asked is None else asked
    mu = document.get("mu") if mu is None else mu
    if scheduler is not None and library != "diffusers":
        raise InputError("scheduler", scheduler, f"none with {library}")
    return _listed(document, library, scheduler, _count(asked), _mu(mu))


def _document(steps: Any) -> dict[str, Any]:
    if not isinstance(steps, Mapping):
        return {"values": steps}
    if steps.get("schema") == EXPORT_SCHEMA:
        arguments, target = steps.get("arguments"), steps.get("target")
        if not isinstance(arguments, Mapping):
            raise InputError("arguments", arguments, "the keywords of an export")
        if steps.get("format") == "edm":
            return _of_edm(arguments)
        of = ("scheduler", target) if steps.get("format") == "diffusers" else ("library", "k-diffusion")
        return {**_document(arguments), of[0]: of[1]}
    if set(steps) >= {"num_steps", "sigma_min", "sigma_max"} and set(steps) <= set(_EDM):
        return _of_edm(steps)
    found = {key: steps[key] for key in _KEYS if steps.get(key) is not None}
    if more := {key: steps[key] for key in CONFIG if key in steps}:
        named = found.get("scheduler", "FlowMatchEulerDiscreteScheduler" if "shift" in more else None)
        if named is None:
            raise InputError(next(iter(more)), "no scheduler", "the scheduler beside entries of its config")
        found["scheduler"] = {**(named if isinstance(named, Mapping) else {"_class_name": named}), **more}
    if not any(key in found for key in _LISTS):
        raise InputError("steps", sorted(map(str, steps)), "a mapping with " + ", ".join(_LISTS[:-1]) + " or times")
    return found


def _of_edm(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The nodes of `edm_sampler`, whose rule divides by `num_steps - 1`."""
    count = whole_number(arguments["num_steps"], "num_steps", 1, 10_000)
    low, high, rho = (
        real_number(arguments.get(key, 7.0), key, "a number > 0", lambda value: 0 < value < math.inf)
        for key in _EDM[1:]
    )
    if count == 1:
        return {"sigmas": [math.nan, 0.0], "library": "k-diffusion"}
    try:
        with np.errstate(over="raise"):
            nodes = karras(count, low, high, rho)
    except (OverflowError, FloatingPointError):
        raise InputError("rho", rho, "one at which sigma_max^(1/rho) and its power rho are float64 numbers") from None
    return {"sigmas": [*nodes.tolist(), 0.0], "library": "k-diffusion"}


def _numbers(values: Any, name: str) -> Floats:
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    if isinstance(values, list | tuple):
        values = [math.nan if value is None else value for value in values]
    found = np.array(float_array(values, name))
    if found.ndim != 1 or not 1 <= found.size <= 100_000:
        raise InputError(name, f"shape {found.shape}", "shape (n,), 1 <= n <= 100000")
    return found


def _listed(document: Mapping[str, Any], library: str, scheduler: Any, asked: int | None, mu: float | None) -> Schedule:
    if library != "diffusers":
        name, convention = ("times", OU) if library == "ou" else ("sigmas", K_DIFFUSION)
        values = next(document[key] for key in (name, "values", *_LISTS) if key in document)
        return Schedule(convention, _numbers(values, name), asked=asked)
    named = None if scheduler is None else of_name(scheduler)
    lists = {key: _numbers(document[key], key) for key in _LISTS if key in document}
    if "values" in document:
        plain = _numbers(document["values"], "steps")
        lists = {_guess(plain) if named is None else _guess_for(named, plain): plain}
    sigmas, timesteps = lists.get("sigmas"), lists.get("timesteps")
    if sigmas is None and timesteps is None:
        raise InputError("steps", sorted(lists), "sigmas or timesteps for diffusers")
    convention = _with_mu(_assumed(sigmas, timesteps) if named is None else named, mu)
    handed = ("timesteps" if sigmas is None else "sigmas") in convention.takes
    if sigmas is not None and timesteps is not None:
        handed = False
        if named is None or isinstance(scheduler, str):
            convention = fitted(convention, sigmas, timesteps)
        if sigmas.size == timesteps.size and convention.zero == "added" and sigmas[-1] != 0:
            sigmas = np.append(sigmas, 0.0)
    places = _places(convention, sigmas, timesteps)
    if places is not None:
        high, low = (end ** (1 / convention.rho) for end in (convention.high, convention.low))
        last = 0.0 if convention.ends_at_zero else convention.low
        sigmas, timesteps = np.append((high + places * (low - high)) ** convention.rho, last), None
    number = asked if asked is not None or timesteps is None else timesteps.size
    target = None if places is None else scheduler
    return Schedule(convention, sigmas, timesteps, handed, asked, fresh=convention.call(str(number)), target=target)


def _places(convention: Convention, sigmas: Floats | None, timesteps: Floats | None) -> Floats | None:
    """Places from 0 to 1 on the ramp of Karras et al., which two schedulers take where others take noise levels."""
    if convention.name == "EDMEulerScheduler" and sigmas is not None and timesteps is None:
        return sigmas if (np.diff(sigmas) > 0).all() and sigmas[0] >= 0 and sigmas[-1] <= 1 else None
    if convention.name == "CMStochasticIterativeScheduler" and timesteps is not None and sigmas is None:
        indices = timesteps[::-1]
        if whole(indices) and (np.diff(indices) > 0).all() and indices[0] >= 0 and indices[-1] < convention.steps:
            return indices / (convention.steps - 1)
    return None


def _guess(values: Floats) -> str:
    """What a list without a name is, by its numbers."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "sigmas"
    top = finite.max()
    if finite.size == values.size == 1 and top == 0:
        return "timesteps"  # of one step, at the first timestep
    far = any(abs(top - start) <= 1e-3 * start for start in FAR_STARTS) and not even(finite)
    regular = whole(finite) and top > 20 and (finite.size < 3 or even(finite))
    return "timesteps" if (top > HIGHEST and not far) or regular else "sigmas"


def _guess_for(convention: Convention, values: Floats) -> str:
    """What a list without a name is, for a scheduler."""
    if len(convention.takes) == 1:
        return convention.takes[0]
    if convention.scale == "flow":
        return "timesteps" if np.nanmax(np.append(values, 0.0)) > 1.05 else "sigmas"
    return _guess(values)


def _assumed(sigmas: Floats | None, timesteps: Floats | None) -> Convention:
    """What a list is for whose scheduler is not named."""
    if sigmas is not None:
        finite = sigmas[np.isfinite(sigmas)]
        if finite.size and finite.max() <= 1:
            return FLOW_LIST
        inner = sigmas[1:-1]
    else:
        inner = np.zeros(0) if timesteps is None else timesteps[1:]
    twice = inner.size >= 4 and inner.size % 2 == 0 and (inner[0::2] == inner[1::2]).all()
    return HEUN_LIST if twice and np.unique(inner).size == inner.size // 2 else VE_LIST


def _held(scheduler: Any, asked: int | None, mu: float | None) -> Schedule:
    """What a scheduler holds; where it holds nothing yet, what it makes of the number of steps."""
    convention = _with_mu(of_object(scheduler), mu)
    own = getattr(scheduler, "num_inference_steps", None)
    if convention.begun and own == convention.steps != asked:  # what its constructor has set
        own = None
    if own is None and not _is_set(scheduler, convention):
        if asked is None:
            raise InputError("num_inference_steps", None, "a number, for a scheduler before its set_timesteps")
        scheduler = copy.deepcopy(scheduler)
        try:
            _set(scheduler, convention, asked, mu)
        except ZeroDivisionError:
            return Schedule(convention, np.array([np.nan]), handed=False)
        except (TypeError, ValueError, IndexError, AssertionError) as error:
            required = f"a number of steps that {convention.name} takes ({' '.join(str(error).split())})"
            raise InputError("num_inference_steps", asked, required) from None
        own = getattr(scheduler, "num_inference_steps", None)
        asked = own if own is not None else asked
    sigmas = getattr(scheduler, "sigmas", None)
    levels = None if sigmas is None else _numbers(sigmas, "scheduler.sigmas")
    timesteps = _numbers(scheduler.timesteps, "scheduler.timesteps")
    if levels is not None and scheduler.config.get("invert_sigmas"):
        levels, timesteps = 1 - levels, convention.steps - timesteps
    count = asked if asked is not None else own
    number = count if count is not None else timesteps.size
    final = getattr(scheduler, "final_alpha_cumprod", None)
    level = 0.0
    if final is not None and 0 < float(final) < 1:
        level = math.sqrt((1 - float(final)) / float(final))
    if convention.name == "TCDScheduler" and convention.levels is not None:
        level = float(convention.levels[0])
    fresh = convention.call(str(number))
    return Schedule(
        convention, levels, timesteps, False, None if count is None else int(count), level, fresh, scheduler
    )


def _is_set(scheduler: Any, convention: Convention) -> bool:
    """Whether a scheduler that knows of no number of steps was given a list; a new one holds all training timesteps."""
    told = scheduler.timesteps
    new = told is None or convention.begun or len(told) == convention.steps
    return bool(getattr(scheduler, "custom_timesteps", False)) or not new


def _set(scheduler: Any, convention: Convention, count: int, mu: float | None) -> None:
    more: dict[str, Any] = {} if mu is None else {"mu": mu}
    if convention.reading == "angle" and count != 2:
        more["intermediate_timesteps"] = None
    with np.errstate(all="ignore"):
        scheduler.set_timesteps(count, **more)


def _with_mu(convention: Convention, mu: float | None) -> Convention:
    """With the shift `exp(mu)`, or `mu` where it is linear, that a pipeline passes to a scheduler."""
    if mu is None:
        return convention
    remade = "" if convention.remade == "use_dynamic_shifting" else convention.remade
    return replace(convention, shift=abs(mu) or 1.0 if convention.linear else math.exp(mu), mu=mu, remade=remade)


def _mu(value: Any) -> float | None:
    return None if value is None else real_number(value, "mu", "a number up to 50", lambda mu: abs(mu) <= 50)


def _count(value: Any) -> int | None:
    return None if value is None else whole_number(value, "num_inference_steps", 1, 100_000)
