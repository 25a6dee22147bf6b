"""Small specifications for the tests of sweeps, and a module of one's own whose calls leave a trace."""

from __future__ import annotations

from pathlib import Path

from certflow.sweep.specification import Specification, specification

#: Each call writes a file of its own into `traces` as soon as it begins; what it then does, its options say.
COUNTED = """
import os, pathlib, signal, time, uuid

def counted(process, folder, seconds=0.0, die=0, fail=False):
    traces = pathlib.Path(folder)
    name = process.mixture.name.replace("/", "-")
    before = len(list(traces.glob(f"{name}.*")))
    (traces / f"{name}.{uuid.uuid4().hex}").write_text(str(time.time_ns()))
    if before < die:
        os.kill(os.getpid(), signal.SIGKILL)
    if fail:
        raise RuntimeError("a mistake")
    time.sleep(seconds)
    return {"diameter": process.mixture.diameter, "variance": float(process.mixture.covariances)}
"""


def counted(folder: Path, sigmas: int, **options: object) -> Specification:
    """A sweep over so many two-mode mixtures, whose calls leave traces in `folder/traces`."""
    (folder / "traces").mkdir(exist_ok=True)
    (folder / "counted.py").write_text(COUNTED, encoding="utf-8")
    told = "".join(f"{key} = {str(value).lower()}\n" for key, value in options.items() if key != "limit")
    values = ", ".join(f"{0.1 + 0.01 * place:.2f}" for place in range(sigmas))
    return specification(
        f"""
schema = "certflow/sweep/1"
name = "counted"
seconds = {options.get("limit", 60)}
[[mixtures]]
name = "m"
sigma = [{values}]
[[experiments]]
call = "counted:counted"
[experiments.options]
folder = "{folder / "traces"}"
{told}
""",
        folder,
    )


def traces(folder: Path) -> dict[str, list[int]]:
    """When the calls about each mixture began, in nanoseconds."""
    found: dict[str, list[int]] = {}
    for path in sorted((folder / "traces").iterdir()):
        found.setdefault(path.name.partition(".")[0], []).append(int(path.read_text()))
    return found
