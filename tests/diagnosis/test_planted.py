"""Every kind of error, planted in schedules of the installed libraries, is found at its place and nothing else is."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import certflow as cf
from certflow.diagnosis import ERRORS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

#: Stable Diffusion's training schedule.
STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}


class Libraries:
    """What a plant is made of."""

    def __init__(self, make: Callable[..., Any], k_diffusion: SimpleNamespace):
        self.make, self.k = make, k_diffusion

    def t_to_sigma(self, timesteps: torch.Tensor) -> torch.Tensor:
        """`DiscreteSchedule.t_to_sigma` of k-diffusion at whole timesteps of Stable Diffusion."""
        alphas = self.make("DDPM", **STABLE).alphas_cumprod[timesteps.long()]
        return ((1 - alphas) / alphas) ** 0.5

    def karras(self, steps: int = 8) -> list[float]:
        return list(map(float, self.k.get_sigmas_karras(steps, 0.0292, 14.6146)))

    def levels(self, name: str, steps: int = 8, **config: Any) -> list[float]:
        return list(map(float, self.make(name, steps, **config).sigmas))

    def timesteps(self, name: str, steps: int = 8, **config: Any) -> list[float]:
        return list(map(float, self.make(name, steps, **config).timesteps))


@pytest.fixture(scope="module")
def lib(make, k_diffusion) -> Libraries:
    return Libraries(make, k_diffusion)


def config(name: str, **more: Any) -> dict[str, Any]:
    return {"_class_name": f"{name}Scheduler", **more}


def inserted(values: list[float], index: int) -> list[float]:
    """The node at `index` once more after itself."""
    return [*values[: index + 1], *values[index:]]


def swapped(values: list[float], index: int) -> list[float]:
    found = list(values)
    found[index], found[index + 1] = found[index + 1], found[index]
    return found


def edited(scheduler: Any, **lists: Any) -> Any:
    """The scheduler with other lists: `edited(s, sigmas=lambda sigmas: sigmas.flip(0))`."""
    for name, change in lists.items():
        setattr(scheduler, name, change(torch.as_tensor(getattr(scheduler, name)).clone()))
    return scheduler


def put(index: int | slice, value: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor[index] = value
        return tensor

    return change


def copied(target: Any, source: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor[target] = tensor[source].clone()
        return tensor

    return change


def longer(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: torch.cat([tensor, torch.tensor([value], dtype=tensor.dtype)])


def set_to(scheduler: Any, **arguments: Any) -> Any:
    scheduler.set_timesteps(**arguments)
    return scheduler


def shifted(u: float, k: float) -> float:
    return k * u / (1 + (k - 1) * u)


K, EULER, DPM = "k-diffusion", "EulerDiscreteScheduler", "DPMSolverMultistepScheduler"
MATCH = "FlowMatchEulerDiscreteScheduler"
OU = [3.0, 2.0, 1.0, 0.5, 0.1]
TERMINAL = {"shift_terminal": 0.1}

#: kind -> what doctor is called with, and the index where the error stands (None: not told here).
PLANTS: dict[str, list[tuple[Callable[[Libraries], tuple[Any, dict[str, Any]]], int | None]]] = {
    "repeated": [
        (lambda lib: (inserted(lib.karras(), 2), {"library": K}), 3),
        (lambda lib: (inserted(lib.levels("EulerDiscrete", **STABLE), 4), {"scheduler": config("EulerDiscrete")}), 5),
        (lambda lib: (inserted(lib.levels("FlowMatchEulerDiscrete")[:-1], 5), {"scheduler": MATCH}), 6),
        (lambda lib: (inserted(lib.timesteps("DDPM"), 1), {"scheduler": "DDPMScheduler"}), 2),
        (lambda lib: (inserted(OU, 1), {"library": "ou"}), 2),
        (
            lambda lib: (
                edited(lib.make("DPMSolverMultistep", 8), sigmas=copied(3, 2), timesteps=copied(3, 2)),
                {},
            ),
            3,
        ),
        (
            lambda lib: (
                edited(
                    lib.make("HeunDiscrete", 8),
                    sigmas=copied(slice(5, 7), slice(3, 5)),
                    timesteps=copied(slice(5, 7), slice(3, 5)),
                ),
                {},
            ),
            5,
        ),
    ],
    "unsorted": [
        (lambda lib: (swapped(lib.karras(), 3), {"library": K}), 4),
        (lambda lib: (lib.karras()[::-1], {"library": K}), 1),
        (lambda lib: (swapped(lib.timesteps("DPMSolverMultistep"), 5), {"scheduler": DPM}), 6),
        (lambda lib: (lib.levels("FlowMatchEulerDiscrete")[-2::-1], {"scheduler": MATCH}), 1),
        (lambda lib: (OU[::-1], {"library": "ou"}), 1),
        (lambda lib: (edited(lib.make("DDPM", 8), timesteps=lambda told: told.flip(0)), {}), 1),
        (
            lambda lib: (
                edited(lib.make("EDMEuler", 8), sigmas=put(2, 60.0), timesteps=put(2, 0.25 * np.log(60.0))),
                {},
            ),
            2,
        ),
    ],
    "idle-last-step": [
        (lambda lib: ([*lib.karras()[:-1], lib.karras()[-2]], {"library": K}), 8),
        (lambda lib: (lib.make("EulerDiscrete", 8, final_sigmas_type="sigma_min"), {}), 8),
        (lambda lib: (lib.make("EDMEuler", 8, final_sigmas_type="sigma_min"), {}), 8),
        (
            lambda lib: (
                edited(lib.make("DPMSolverMultistep", 8, use_karras_sigmas=True, **STABLE), sigmas=copied(8, 7)),
                {},
            ),
            8,
        ),
        (lambda lib: (lib.make("DDIM", 8, set_alpha_to_one=False, **STABLE), {}), 7),
        (lambda lib: ([*OU, 0.1], {"library": "ou"}), 5),
        (lambda lib: ([*lib.timesteps("TCD"), 19, 19], {"scheduler": "TCDScheduler"}), 9),
    ],
    "zero-missing": [
        (lambda lib: (lib.karras()[:-1], {"library": K}), 7),
        (lambda lib: (lib.levels("EulerDiscrete")[:-1], {"scheduler": EULER}), 7),
        (lambda lib: (lib.levels("LTXEulerAncestralRF")[:-1], {"scheduler": "LTXEulerAncestralRFScheduler"}), 7),
        (lambda lib: (lib.timesteps("SCM")[:-1], {"scheduler": "SCMScheduler"}), 7),
        (lambda lib: (edited(lib.make("FlowMatchEulerDiscrete", 8), sigmas=lambda levels: levels[:-1]), {}), 7),
        (lambda lib: (edited(lib.make("DPMSolverMultistep", 8), sigmas=put(-1, 0.1)), {}), 8),
    ],
    "zero-doubled": [
        (lambda lib: ([*lib.karras(), 0.0], {"library": K}), 9),
        (lambda lib: (lib.levels("FlowMatchEulerDiscrete"), {"scheduler": MATCH}), 8),
        (lambda lib: (lib.levels("UniPCMultistep", **FLOW), {"scheduler": config("UniPCMultistep", **FLOW)}), 8),
        (lambda lib: ([*lib.levels("EulerDiscrete"), 0.0], {"scheduler": EULER}), 9),
        (lambda lib: (edited(lib.make("EDMEuler", 8), sigmas=longer(0.0)), {}), 9),
        (lambda lib: ([*lib.timesteps("DDPM"), 0], {"scheduler": "DDPMScheduler"}), 8),
        (lambda lib: ([*lib.timesteps("FlowMatchEulerDiscrete"), 0.0], {"scheduler": MATCH}), 8),
    ],
    "timesteps-for-sigmas": [
        (lambda lib: ([*lib.timesteps("DPMSolverMultistep"), 0.0], {"library": K}), 0),
        (lambda lib: ({"sigmas": lib.timesteps("EulerDiscrete")}, {"scheduler": EULER}), 0),
        (lambda lib: ({"sigmas": lib.timesteps("FlowMatchEulerDiscrete")}, {"scheduler": MATCH}), 0),
        (lambda lib: (lib.timesteps("DPMSolverMultistep"), {"library": "ou"}), 0),
        (
            lambda lib: (
                set_to(lib.make("EulerDiscrete", **STABLE), sigmas=[*lib.timesteps("LCM", 4), 0.0]),
                {},
            ),
            0,
        ),
    ],
    "sigmas-for-timesteps": [
        (lambda lib: (lib.levels("DPMSolverMultistep", **STABLE)[:-1], {"scheduler": config("DDPM", **STABLE)}), 0),
        (lambda lib: ({"timesteps": lib.levels("EulerDiscrete", **STABLE)[:-1]}, {"scheduler": EULER}), 0),
        (lambda lib: ({"timesteps": lib.levels("FlowMatchEulerDiscrete")[:-1]}, {"scheduler": MATCH}), 0),
        (lambda lib: (lib.karras(), {"library": "ou"}), 0),
        (lambda lib: (set_to(lib.make("DPMSolverMultistep", **STABLE), timesteps=lib.karras()[:-1]), {}), 0),
        (lambda lib: (set_to(lib.make("HeunDiscrete", **STABLE), timesteps=lib.karras()[:-1]), {}), 0),
        (
            lambda lib: (
                set_to(lib.make("FlowMatchEulerDiscrete"), timesteps=lib.levels("FlowMatchEulerDiscrete")[:-1]),
                {},
            ),
            0,
        ),
    ],
    "another-scale": [
        (lambda lib: ({"sigmas": lib.karras()[:-1]}, {"scheduler": MATCH}), 0),
        (lambda lib: ({"sigmas": lib.levels("EDMEuler")}, {"scheduler": "LTXEulerAncestralRFScheduler"}), 0),
        (lambda lib: (set_to(lib.make("FlowMatchEulerDiscrete"), sigmas=lib.karras()[:-1]), {}), 0),
    ],
    "out-of-range": [
        (lambda lib: ([400.0, *lib.karras()], {"library": K}), 0),
        (
            lambda lib: (
                [30.0, *lib.levels("EulerDiscrete", **STABLE)],
                {"scheduler": config("EulerDiscrete", **STABLE)},
            ),
            0,
        ),
        (lambda lib: ([*lib.karras()[:-1], 0.001, 0.0], {"library": K}), 8),
        (lambda lib: ([1200, *lib.timesteps("DPMSolverMultistep")], {"scheduler": DPM}), 0),
        (lambda lib: ([1.02, *lib.levels("FlowMatchEulerDiscrete")[1:-1]], {"scheduler": MATCH}), 0),
        (lambda lib: ([*OU, 0.0], {"library": "ou"}), 5),
        (lambda lib: (edited(lib.make("DDPM", 4), timesteps=put(0, 1000)), {}), 0),
        (lambda lib: (set_to(lib.make("EulerDiscrete", **STABLE), sigmas=[60.0, 9.0, 1.0, 0.1, 0.0]), {}), 0),
    ],
    "shifted-twice": [
        (
            lambda lib: (
                lib.levels("FlowMatchEulerDiscrete", shift=3.0)[:-1],
                {"scheduler": config("FlowMatchEulerDiscrete", shift=3.0)},
            ),
            1,
        ),
        (
            lambda lib: (
                set_to(
                    lib.make("FlowMatchEulerDiscrete", shift=3.0),
                    sigmas=lib.levels("FlowMatchEulerDiscrete", shift=3.0)[:-1],
                ),
                {},
            ),
            1,
        ),
        (
            lambda lib: (
                set_to(
                    lib.make("UniPCMultistep", flow_shift=5.0, **FLOW),
                    sigmas=np.array(lib.levels("UniPCMultistep", flow_shift=5.0, **FLOW)[:-1]),
                ),
                {},
            ),
            1,
        ),
        (
            lambda lib: (
                set_to(
                    lib.make("FlowMapEulerDiscrete", shift=2.0),
                    sigmas=lib.levels("FlowMapEulerDiscrete", 20, shift=2.0)[:-1],
                ),
                {},
            ),
            1,
        ),
        (
            lambda lib: (
                {
                    "sigmas": [shifted(1 - i / 8, float(np.exp(1.15))) for i in range(8)],
                    "scheduler": config("FlowMatchEulerDiscrete", use_dynamic_shifting=True),
                    "mu": 1.15,
                },
                {},
            ),
            1,
        ),
        (
            lambda lib: (
                set_to(
                    lib.make("FlowMatchLCM", use_dynamic_shifting=True),
                    sigmas=[shifted(1 - i / 4, float(np.exp(0.8))) for i in range(4)],
                    mu=0.8,
                ),
                {"mu": 0.8},
            ),
            1,
        ),
        (
            lambda lib: (
                set_to(
                    lib.make("FlowMatchEulerDiscrete", use_dynamic_shifting=True, time_shift_type="linear"),
                    sigmas=[shifted(1 - i / 8, 2.5) for i in range(8)],
                    mu=2.5,
                ),
                {"mu": 2.5},
            ),
            1,
        ),
        (
            lambda lib: (
                [shifted(1 - i / 8, 9.0) for i in range(8)],
                {"scheduler": config("FlowMatchEulerDiscrete", shift=3.0)},
            ),
            1,
        ),
    ],
    "times-disagree": [
        (lambda lib: (lib.make("DDIM", 10, timestep_spacing="linspace"), {}), 1),
        (lambda lib: (edited(lib.make("DPMSolverMultistep", 8), timesteps=lambda told: told - 1), {}), 0),
        (lambda lib: (edited(lib.make("EulerDiscrete", 8, **STABLE), timesteps=put(3, 600.0)), {}), 3),
        (lambda lib: (edited(lib.make("EDMEuler", 8), timesteps=put(4, 0.5)), {}), 4),
        (lambda lib: (edited(lib.make("MiniMaxH3", 8), timesteps=put(4, 0.3)), {}), 4),
        (
            lambda lib: (
                set_to(lib.make("FlowMatchEulerDiscrete", shift=3.0), timesteps=[1000.0, 700.0, 400.0, 100.0]),
                {},
            ),
            1,
        ),
        (
            lambda lib: (
                {"sigmas": lib.levels("EulerDiscrete"), "timesteps": [*lib.timesteps("EulerDiscrete")[:-1], 30.0]},
                {"scheduler": EULER},
            ),
            7,
        ),
    ],
    "too-few": [
        (lambda lib: (lib.karras(7), {"library": K, "num_inference_steps": 8}), None),
        (lambda lib: (lib.timesteps("LCM", 4), {"scheduler": "LCMScheduler", "num_inference_steps": 5}), None),
        (lambda lib: (OU, {"library": "ou", "num_inference_steps": 5}), None),
        (lambda lib: (OU[:1], {"library": "ou"}), 0),
        (lambda lib: (edited(lib.make("FlowMatchEulerDiscrete", 8), timesteps=lambda told: told[:-1]), {}), None),
        (lambda lib: (edited(lib.make("DDPM", 8), timesteps=lambda told: told[:-1]), {}), None),
        (
            lambda lib: (
                {"sigmas": lib.levels("EulerDiscrete"), "timesteps": lib.timesteps("EulerDiscrete")[:-1]},
                {"scheduler": EULER},
            ),
            None,
        ),
    ],
    "too-many": [
        (lambda lib: (lib.karras(9), {"library": K, "num_inference_steps": 8}), None),
        (lambda lib: (lib.levels("EulerDiscrete"), {"scheduler": EULER, "num_inference_steps": 7}), None),
        (lambda lib: (OU, {"library": "ou", "num_inference_steps": 3}), None),
        (lambda lib: (edited(lib.make("EulerDiscrete", 8), timesteps=longer(0.0)), {}), None),
        (lambda lib: (lib.make("HeunDiscrete", 9), {"num_inference_steps": 8}), None),
        (lambda lib: (edited(lib.make("LCM", 4), timesteps=longer(19)), {}), None),
    ],
    "not-a-level": [
        (lambda lib: ([*lib.karras()[:3], float("nan"), *lib.karras()[3:]], {"library": K}), 3),
        (lambda lib: ([*lib.karras()[:-1], -0.01, 0.0], {"library": K}), 8),
        (lambda lib: ([float("inf"), *OU], {"library": "ou"}), 0),
        (lambda lib: ([*lib.timesteps("DDPM"), -1], {"scheduler": "DDPMScheduler"}), 8),
        (lambda lib: (edited(lib.make("UniPCMultistep", 8), sigmas=put(2, float("nan"))), {}), 2),
        (lambda lib: (edited(lib.make("DDIM", 8), timesteps=lambda told: told - 1), {}), 7),
    ],
    "one-step": [
        (lambda lib: (lib.make("FlowMatchEulerDiscrete", 1, **TERMINAL), {}), 0),
        (lambda lib: (lib.make("FlowMatchLCM", 1, **TERMINAL), {}), 0),
        (lambda lib: (lib.make("FlowMatchEulerDiscrete", **TERMINAL), {"num_inference_steps": 1}), 0),
        (lambda lib: ([1.0], {"scheduler": config("FlowMatchEulerDiscrete", **TERMINAL)}), 0),
        (lambda lib: (lib.make("UnCLIP"), {"num_inference_steps": 1}), 0),
        (lambda lib: ({"num_steps": 1, "sigma_min": 0.002, "sigma_max": 80.0, "rho": 7.0}, {}), 0),
        (lambda lib: ([0.0, 0.0], {"library": K}), 0),
        (lambda lib: ([float("nan"), 0.0], {"library": K}), 0),
    ],
}

#: Errors that a plant brings with it, by its kind and number: the same fault seen from another side.
COMPANIONS: dict[tuple[str, int], set[str]] = {}

CASES = [(name, number) for name, plants in PLANTS.items() for number in range(len(plants))]


def test_every_kind_of_error_is_planted_three_times():
    assert set(PLANTS) == set(ERRORS)
    assert all(len(plants) >= 3 for plants in PLANTS.values())


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_planted_error_is_found_at_its_place(lib, name, number):
    plant, index = PLANTS[name][number]
    steps, options = plant(lib)
    found = cf.doctor(steps, **options)
    first = next((finding for finding in found.errors if finding.name == name), None)
    assert first is not None, found
    assert first.index == index
    assert {finding.name for finding in found.errors} == {name} | COMPANIONS.get((name, number), set())
    assert first.mend
    assert "\n" not in first.mend
    if found.mended is not None:
        given = {**found.mended, **{key: steps[key] for key in ("scheduler", "mu") if key in steps}}
        options.pop("num_inference_steps", None)
        assert cf.doctor(given, **options).errors == ()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(("name", "number"), CASES)
def test_the_line_mends_it(lib, name, number):
    """The line of each error, run: over the list by its name, or over the scheduler."""
    plant, _ = PLANTS[name][number]
    steps, options = plant(lib)
    finding = next(finding for finding in cf.doctor(steps, **options).errors if finding.name == name)
    names = {
        "np": np,
        "math": math,
        "torch": torch,
        "model": SimpleNamespace(t_to_sigma=lib.t_to_sigma, sigma_max=14.6),
        "t_min": 0.01,
    }
    held = hasattr(steps, "set_timesteps")
    if held:
        names["scheduler"] = steps
    else:
        values = steps if not isinstance(steps, dict) else steps.get(finding.where)
        names[finding.where] = values
        named = options.get("scheduler") or {"_class_name": EULER}
        more = named if isinstance(named, dict) else {"_class_name": named}
        names["scheduler"] = lib.make(
            more["_class_name"].removesuffix("Scheduler"), **{key: more[key] for key in more if key[0] != "_"}
        )
    before = names["scheduler"]
    if values_missing := not held and names[finding.where] is None:
        assert name == "one-step"
        return
    exec(finding.mend, names)
    assert not values_missing
    scheduler = names["scheduler"]
    if name in ("too-few", "too-many"):  # their line may say that another number of steps is meant
        said = names.get("num_inference_steps", names.get("segments"))
        options["num_inference_steps"] = said or options.get("num_inference_steps")
    if scheduler is not before or "scheduler.set_timesteps(" in finding.mend:
        if scheduler is not before:
            scheduler.set_timesteps(len(getattr(steps, "timesteps", [0])) if name != "one-step" else 1)
        asked = {key: options[key] for key in ("mu", "num_inference_steps") if key in options}
        mended = cf.doctor(scheduler, **asked)
    else:
        again = {key: steps[key] for key in ("scheduler", "mu") if key in steps} if isinstance(steps, dict) else {}
        mended = cf.doctor({finding.where: names[finding.where], **again}, **options)
    assert name not in {finding.name for finding in mended.errors}


@pytest.mark.parametrize("decimals", [3, 4, 9])
@pytest.mark.parametrize("k", [0.5, 1.5, 3.0, 6.93, 12.0])
def test_a_shift_is_known_in_lists_that_were_written_by_hand(k, decimals):
    """Evenly spaced nodes with the shift, rounded as people print them, wherever they start and end."""
    scheduler = config("FlowMatchEulerDiscrete", shift=k)
    for base in (
        np.linspace(1, 1 / 8, 8),
        np.linspace(1, 0.001, 20),
        np.linspace(0.6, 0.1, 5),
        np.linspace(1, 0.25, 4),
    ):
        given = [round(shifted(float(u), k), decimals) for u in base]
        found = cf.doctor(given, scheduler=scheduler)
        assert [finding.name for finding in found.errors] == ["shifted-twice"], (base, found)
        assert found.mended is not None
        np.testing.assert_allclose(found.mended["sigmas"], base, atol=max(k, 1 / k) * 2 * 10.0**-decimals)
        assert cf.doctor([round(float(u), decimals) for u in base], scheduler=scheduler).ok
