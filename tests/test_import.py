"""`import certflow` is light: the pytest plugin is loaded in every run of whoever installs the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "sympy",
    "matplotlib",
    "sklearn",
    "scipy",
    "pydantic",
    "flint",
    "mpmath",
    "numpy",
    "typer",
    "rich",
}


def loaded_after(statements: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has loaded after the statements."""
    probe = f"{statements}\nimport sys\nprint('LOADED', *{{name.partition('.')[0] for name in sys.modules}})"
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=120, check=True)
    return set(ended.stdout.rpartition("LOADED")[2].split())


def test_import_is_light() -> None:
    assert not loaded_after("import certflow; dir(certflow)") & HEAVY


@pytest.mark.parametrize(
    "line", [["--help"], ["bound", "two-modes"], ["grid", "two-modes", "--kind", "typical"], ["mixtures", "list"]]
)
def test_commands_load_only_what_they_need(line: list[str]) -> None:
    loaded = loaded_after(f"from certflow.cli import main\nassert main({line!r}) == 0")
    assert not loaded & {"torch", "sympy", "matplotlib", "sklearn"}


def test_a_command_line_loads_its_own_command() -> None:
    code = "from certflow.cli import main\nassert main(['claims', 'L2']) == 0\nimport sys\n"
    code += "print('LOADED', *(name for name in sys.modules if name.startswith('certflow.')))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    loaded = set(ended.stdout.rpartition("LOADED")[2].split())
    assert "certflow.commands.claims" in loaded
    assert not {"certflow.commands.audit", "certflow.auditing", "certflow.planning", "certflow.diagnosis"} & loaded


def test_every_public_name_loads() -> None:
    code = "import certflow\nfor name in certflow.__all__:\n    assert getattr(certflow, name) is not None, name"
    assert "torch" not in loaded_after(code)


def test_the_function_verify_is_not_hidden_by_its_module() -> None:
    code = "import certflow, certflow.verification\nfrom certflow.verification import overall\n"
    assert loaded_after(code + "assert callable(certflow.verify) and callable(certflow.verify)")


def test_a_name_that_is_not_there() -> None:
    import certflow

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        certflow.nothing  # noqa: B018
