"""The options of the pytest plugin: what they say, and what is refused of it in one line.

Nothing heavy is imported here; what an option needs is loaded where it is given.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import pytest

import certflow
from certflow.errors import InputError, unknown

PROFILES = ("quick", "full")
SUITE = "certflow.testing.suite"
_LAST_SEED = 2**32 - 1
_MIXTURES = Path(certflow.__file__).parent / "law" / "mixtures"


def check_options(config: pytest.Config) -> None:
    """Refuse what no test could use; loads what an option needs, and nothing without options."""
    profile, only = config.getoption("--certflow-profile"), _only(config)
    seed_of(config)
    if profile not in (None, *PROFILES):
        raise unknown("--certflow-profile", profile, PROFILES)
    if only is not None:
        from certflow.claims.registry import STATEMENTS

        for claim in only:
            if claim not in STATEMENTS:
                raise unknown("--certflow-claims", claim, STATEMENTS, before="ids among ")
    folder = config.getoption("--certflow-report")
    if folder is not None and not (folder and _may_be_made(config.invocation_params.dir / folder)):
        raise InputError("--certflow-report", folder, "the name of a directory, below directories")
    if _runs_suite(config) and config.getoption("--certflow-mixture") is None:
        raise InputError("--certflow-mixture", None, f"a mixture file or a built-in name, on which {SUITE} runs")
    sources, score = mixture_sources(config), score_of(config)
    if score is not None and len(sources) > 1:
        raise InputError("--certflow-mixture", config.getoption("--certflow-mixture"), "one, that of --certflow-score")


def _may_be_made(folder: Path) -> bool:
    """Is it a directory, or would be one below what there is?"""
    return next(each for each in (folder, *folder.parents) if each.exists()).is_dir()


def profile_of(config: pytest.Config) -> str:
    """The profile of `--certflow-profile`, without it the quick one."""
    return config.getoption("--certflow-profile") or PROFILES[0]


def seed_of(config: pytest.Config) -> int:
    """The number of `--certflow-seed`, without it 0: other draws, other examples, the same checks."""
    given = config.getoption("--certflow-seed")
    if given is None:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(_LAST_SEED)) and int(given) <= _LAST_SEED):
        raise InputError("--certflow-seed", given, f"an int from 0 to {_LAST_SEED}")
    return int(given)


def mixture_sources(config: pytest.Config) -> tuple[str, ...]:
    """The names and files of `--certflow-mixture`; without it the built-in names."""
    given = config.getoption("--certflow-mixture")
    if given is None:
        return tuple(sorted(path.stem for path in _MIXTURES.glob("*.json")))
    for source in given:
        try:
            mixture_loaded(source)
        except InputError as error:
            field = "" if error.field == "MIXTURE" else f" {source}: {error.field}"
            raise InputError(f"--certflow-mixture{field}", error.value, error.requirement) from None
    return tuple(given)


def claims_allowed(config: pytest.Config, claims: list[str] | None) -> list[str] | None:
    """Of these claims (None for every one) those that `--certflow-claims` names."""
    only = _only(config)
    if only is None or claims is None:
        return claims if only is None else only
    return [claim for claim in claims if claim.upper() in only]


def _only(config: pytest.Config) -> list[str] | None:
    text = config.getoption("--certflow-claims")
    return None if text is None else [claim.strip().upper() for claim in text.split(",")]


def score_of(config: pytest.Config) -> tuple[Any, dict[str, Any]] | None:
    """What `--certflow-score` names, and the options of `check_score` that go with it; None without it.

    Raises `InputError` for a name that cannot be imported, and for an option that nothing can use.
    """
    name = config.getoption("--certflow-score")
    described = {word: config.getoption(f"--certflow-{word}") for word in ("predicts", "schedule")}
    if name is None:
        for word, value in described.items():
            if value is not None:
                raise InputError(f"--certflow-{word}", value, "--certflow-score MODULE:NAME beside it")
        return None
    from certflow.testing.named import named, schedule_named

    options: dict[str, Any] = {}
    if described["predicts"] is not None:
        from certflow.schedules import PREDICTIONS

        if described["predicts"] not in PREDICTIONS:
            raise unknown("--certflow-predicts", described["predicts"], PREDICTIONS)
        options["predicts"] = described["predicts"]
    if described["schedule"] is not None:
        options["schedule"] = schedule_named(described["schedule"], "--certflow-schedule")
    folder = str(config.invocation_params.dir)
    if folder not in sys.path:  # it stays: what the code imports later is found as well
        sys.path.insert(0, folder)
    return named(name, "--certflow-score", models=False).value, options


def _runs_suite(config: pytest.Config) -> bool:
    """Does a command line name the suite, by its package or by its folder?"""
    folder = Path(__file__).with_name("suite")
    for argument in config.args:
        name = str(argument).partition("::")[0]
        path = config.invocation_params.dir / name
        if name == SUITE or name.startswith(f"{SUITE}.") or folder in (path, *path.parents):
            return True
    return False


@functools.cache
def mixture_loaded(source: str) -> Any:
    """A mixture by name or from a file; each is read once."""
    return certflow.load_mixture(source)
