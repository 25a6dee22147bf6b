"""Derivations kept between runs: served to the code that they prove, and to no other."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
from depth import nightly, some

import certflow as cf
import certflow.bounds.rates
from certflow.claims import fingerprint, kept
from certflow.claims.check import Context
from certflow.claims.evidence import derived
from certflow.claims.fingerprint import class_digest, live_digests
from certflow.claims.model import Outcome
from certflow.claims.registry import checks_of
from certflow.claims.spatial.twins import WrongSignGrowth
from certflow.process import OrnsteinUhlenbeck
from certflow.report import render_html, render_markdown

PACKAGE = Path(cf.__file__).parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache, and a process that has derived nothing yet."""
    monkeypatch.setenv("CERTFLOW_CACHE", str(tmp_path / "cache"))
    derived._FOUND.clear()
    yield tmp_path / "cache" / "derivations"
    derived._FOUND.clear()


def derivation(claim="L3", formulas=OrnsteinUhlenbeck, out=None, fresh=False):
    """The symbolic evidence of a process that remembers nothing but what is kept on disk; with `out`, of a run."""
    derived._FOUND.clear()
    process = formulas(cf.load_mixture("two-modes"), "0.01", "3")
    name = f"{claim}.derivation"
    if out is None:
        return next(check for check in checks_of(claim) if check.name == name).run(Context(process, fresh=fresh))
    (result,) = cf.verify(process, [claim], out=out, fresh=fresh).results
    return next(item for item in result.evidence if item.check == name)


def run(folder, code, root=PACKAGE.parent):
    """A process of its own, which finds the package below `root`."""
    environment = os.environ | {"CERTFLOW_CACHE": str(folder), "PYTHONPATH": str(root)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment, cwd=root, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


DERIVE = """
import json, sys
import certflow as cf
from certflow.claims.check import Context
from certflow.claims.registry import checks_of
context = Context(cf.OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3"))
found = checks_of("L3")[0].run(context)
print(json.dumps([found.check, found.outcome.value, found.proved, "sympy" in sys.modules]))
"""


def test_what_was_proved_is_kept_and_says_when(place):
    first, second = derivation(), derivation()
    assert first.proved is None
    assert [path.name.partition("-")[0] for path in place.iterdir()] == ["L3"]
    (record,) = (json.loads(path.read_text()) for path in place.iterdir())
    assert second.proved.replace("+00:00", "Z") == record["proved"]
    same = {"seconds", "proved"}
    assert first.model_dump(exclude=same) == second.model_dump(exclude=same)


def test_every_view_tells_what_was_kept(place, command, tmp_path):
    derivation()
    derived._FOUND.clear()
    ended = command("verify", "two-modes", "--claims", "L3,F4", "--out", tmp_path / "out")
    report = cf.report.load_report(tmp_path / "out")
    proved = {item.check: item.proved for result in report.results for item in result.evidence if item.proved}
    assert list(proved) == ["L3.derivation"]
    words = f"kept from an earlier run, proved {proved['L3.derivation']}"
    text = " ".join(ended.out.split())
    assert f"kept from earlier runs of the same code, proved: L3 on {proved['L3.derivation']}" in text
    assert render_html(report).count(words) == 1
    assert render_markdown(report).replace("\\", "").count(words) == 1
    assert proved["L3.derivation"] in (tmp_path / "out" / "junit.xml").read_text()


def test_fresh_proves_anew_and_keeps_the_new_proof(place, command, tmp_path):
    out = tmp_path / "out"
    derivation(out=out)
    (path,) = place.iterdir()
    path.unlink()
    assert derivation(out=out, fresh=True).proved is None
    assert path.exists()
    derived._FOUND.clear()
    ended = command("verify", "two-modes", "--claims", "L3", "--fresh")
    assert ended.code == 0
    assert "kept" not in ended.out


def test_fresh_is_a_truth_value():
    with pytest.raises(cf.InputError, match="fresh"):
        cf.verify(cf.load_mixture("two-modes"), ["L3"], fresh="yes")


def test_a_process_that_is_served_derives_nothing(place):
    assert run(place.parent, DERIVE) == ["L3.derivation", "holds", None, True]
    check, outcome, proved, sympy_loaded = run(place.parent, DERIVE)
    assert (check, outcome, sympy_loaded) == ("L3.derivation", "holds", False)
    assert proved is not None


@nightly  # four processes; every day a formula is replaced in memory, and a source file edited
def test_a_copy_elsewhere_is_the_same_code_and_an_altered_copy_is_not(place, tmp_path):
    """The key holds no path; a sign that was turned in the source is found, with the true proof in the same folder."""
    run(place.parent, DERIVE)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "same" / "certflow", ignore=ignored)
    assert run(place.parent, DERIVE, tmp_path / "same")[2] is not None
    copy = tmp_path / "altered" / "certflow"
    shutil.copytree(PACKAGE, copy, ignore=ignored)
    source = (copy / "process.py").read_text()
    line = "    def growth_rate_bound(self, t: Any) -> Any:\n"
    assert line in source
    altered = source.replace(line, f"{line}        return -self._growth(t)\n\n    def _growth(self, t: Any) -> Any:\n")
    (copy / "process.py").write_text(altered)
    assert run(place.parent, DERIVE, tmp_path / "altered")[1:3] == ["violated", None]
    assert len(list(place.iterdir())) == 1


def _wrong(function):
    return lambda *arguments, **options: -function(*arguments, **options)


@pytest.mark.parametrize(
    "owner",
    [pytest.param(OrnsteinUhlenbeck, id="method"), pytest.param(certflow.bounds.rates, id="function", marks=nightly)],
)
def test_a_formula_replaced_in_memory_is_not_served(place, monkeypatch, owner):
    derivation()
    with monkeypatch.context() as patch:
        patch.setattr(owner, "growth_rate_bound", _wrong(owner.growth_rate_bound))
        process = OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3")
        (result,) = cf.verify(process, ["L3"]).results  # with what this process has derived before
        assert result.evidence[0].outcome is Outcome.VIOLATED
        assert derivation().outcome is Outcome.VIOLATED
    assert len(list(place.iterdir())) == 1
    assert derivation().proved is not None


def test_evidence_in_a_directory_is_not_that_of_other_formulas(place, monkeypatch, tmp_path):
    out = tmp_path / "out"
    assert derivation(out=out).outcome is Outcome.HOLDS
    assert derivation(formulas=WrongSignGrowth, out=out).outcome is Outcome.VIOLATED
    assert derivation(out=out).outcome is Outcome.HOLDS
    monkeypatch.setattr(OrnsteinUhlenbeck, "growth_rate_bound", _wrong(OrnsteinUhlenbeck.growth_rate_bound))
    assert derivation(out=out).outcome is Outcome.VIOLATED


def test_false_twins_are_neither_served_nor_kept(place):
    derivation()
    (path,) = place.iterdir()
    before = path.read_bytes()
    assert derivation(formulas=WrongSignGrowth).outcome is Outcome.VIOLATED
    assert derivation(formulas=type("Same", (OrnsteinUhlenbeck,), {})).proved is None
    assert [(path, before)] == [(each, each.read_bytes()) for each in place.iterdir()]


def _rewritten(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "not text": lambda path: path.write_bytes(bytes(range(256))),
    "another type": lambda path: path.write_text("[1]"),
    "too deep": lambda path: path.write_text("[" * 100_000),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "another scope": lambda path: _rewritten(path, lambda c: c["steps"][0].update(scope="everything")),
    "another statement": lambda path: _rewritten(path, lambda c: c.update(statement="L2")),
    "a later version": lambda path: _rewritten(path, lambda c: c.update(schema="certflow/derivation/2")),
}


@pytest.mark.parametrize("damage", some(DAMAGES))
def test_a_damaged_record_is_nothing_kept(place, damage):
    derivation()
    (path,) = place.iterdir()
    DAMAGES[damage](path)
    found = derivation()
    assert (found.outcome, found.proved) == (Outcome.HOLDS, None)


def test_a_folder_that_cannot_be_written_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CERTFLOW_CACHE", str(tmp_path / "file"))
    assert [derivation().proved, derivation().proved] == [None, None]


def test_a_source_edited_after_it_was_loaded_is_not_kept(place, monkeypatch):
    monkeypatch.setattr("certflow.claims.fingerprint._LOADED", 0.0)
    assert derivation().outcome is Outcome.HOLDS
    assert not place.exists()


@nightly  # three processes; every day they are met one after the other
def test_two_processes_at_once_leave_one_sound_record(place):
    environment = os.environ | {"CERTFLOW_CACHE": str(place.parent), "PYTHONPATH": str(PACKAGE.parent)}
    words = [sys.executable, "-c", DERIVE]
    started = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [json.loads(each.communicate()[0])[1] for each in started] == ["holds", "holds"]
    assert [path.suffix for path in place.iterdir()] == [".json"]
    assert run(place.parent, DERIVE)[2] is not None


def test_records_of_other_versions_do_not_pile_up(place):
    place.mkdir(parents=True)
    for k in range(20):
        (place / f"L3-{k:032}.json").write_text("{}")
        os.utime(place / f"L3-{k:032}.json", (k, k))
    (place / "L2-0.json").write_text("{}")
    derivation()
    assert len(list(place.glob("L3-*.json"))) == 8
    assert (place / "L2-0.json").exists()
    assert derivation().proved is not None


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the places of other platforms")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CERTFLOW_CACHE": "/c"}, "/c/derivations"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/certflow/derivations"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/somebody/.cache/certflow/derivations"),
        ({"CERTFLOW_CACHE": "", "XDG_CACHE_HOME": ""}, "/home/somebody/.cache/certflow/derivations"),
        ({"CERTFLOW_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c/derivations"),
    ],
)
def test_place_of_what_is_kept(monkeypatch, variables, expected):
    for name in ("CERTFLOW_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert kept.folder() == Path(expected)


@pytest.mark.parametrize("place", ["process.py", "bounds/rates.py", "grids/kinds/ays.py"])
def test_every_source_file_counts(place, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "certflow", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "certflow" / place).open("a") as file:
        file.write("\n")
    code = "import json; from certflow.claims.fingerprint import source_digest; print(json.dumps(source_digest()))"
    assert run(tmp_path, code, tmp_path) != run(tmp_path, code)


def test_the_source_is_read_again_where_a_file_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "_ROOT", tmp_path)
    assert fingerprint.source_digest() is None
    (tmp_path / "a.py").write_text("x = 1\n")
    first = fingerprint.source_digest()
    assert fingerprint.source_digest() == first
    (tmp_path / "a.py").write_text("x = 2\n")
    second = fingerprint.source_digest()
    (tmp_path / "b.py").write_text("")
    assert len({first, second, fingerprint.source_digest()}) == 3
    (tmp_path / "b.py").unlink()
    assert fingerprint.source_digest() == second
    assert second == hashlib.sha256(b"a.py\0" + b"6\0" + b"x = 2\n").hexdigest()


def test_what_torch_compiles_is_no_other_code():
    torch = pytest.importorskip("torch")
    process, t = OrnsteinUhlenbeck(cf.load_mixture("two-variances")), torch.tensor(0.5)
    expected = process.ball_bound(2.0, t)
    before, names = live_digests(), set(vars(certflow.bounds.rates))
    assert torch.compile(lambda s: process.ball_bound(2.0, s), backend="eager")(t) == expected
    assert set(vars(certflow.bounds.rates)) > names
    after = live_digests()
    assert {name for name in before if before[name] != after[name]} == set()


def test_a_run_leaves_the_digests_of_the_code_as_they_were(place):
    """Else nothing that was kept would ever be found again."""
    derivation()
    before = live_digests()
    derivation("F4")
    derivation("S2")
    after = live_digests()
    assert {name for name in before if before[name] != after[name]} == set()


def test_what_is_sent_to_a_worker_is_the_same_code(monkeypatch):
    """Pickle leaves the names of the slots in a class; else nothing that a run with workers kept were found again."""
    monkeypatch.delattr(OrnsteinUhlenbeck, "__slotnames__", raising=False)
    before = class_digest(OrnsteinUhlenbeck)
    pickle.dumps(OrnsteinUhlenbeck(cf.load_mixture("two-modes"), "0.01", "3"))
    assert "__slotnames__" in vars(OrnsteinUhlenbeck)
    assert class_digest(OrnsteinUhlenbeck) == before


def test_what_pytest_puts_into_a_rewritten_module_is_no_code_of_ours(monkeypatch):
    before = live_digests()
    monkeypatch.setattr(certflow.bounds.rates, "@pytest_ar", pytest, raising=False)
    assert live_digests() == before


CHANGEABLE = """
import functools
from dataclasses import dataclass
import numpy as np

def made(step):
    def inner(x, base=1, *, scale=2):
        return x * step + base * scale
    return inner

def plain(x):
    return x + 1

def other(x):
    return x - 1

@functools.cache
def remembered(x):
    return x

closed = made(3)
table, row, names, array = {"a": [1, 2]}, [1, [2]], {1, 2}, np.array([1.0, 2.0])

class Thing:
    size = 1
    def area(self):
        return self.size
    @property
    def half(self):
        return self.size / 2

@dataclass(frozen=True)
class Pair:
    first: int
    rest: dict

pair, method, part = Pair(1, {"k": 1}), Thing.area, functools.partial(plain, 1)
"""
CHANGES = {
    "a name": "plain = other",
    "another name": "plainer = 1",
    "code": "plain.__code__ = other.__code__",
    "code told through a partial": "part.func.__code__ = other.__code__",
    "code behind a cache": "remembered.__wrapped__.__code__ = other.__code__",
    "defaults": "closed.__defaults__ = (7,)",
    "keyword defaults": "closed.__kwdefaults__['scale'] = 7",
    "a closure": "closed.__closure__[0].cell_contents = 7",
    "a member of a class": "Thing.size = 7",
    "code of a method": "Thing.area.__code__ = other.__code__",
    "code of a property": "Thing.half.fget.__code__ = other.__code__",
    "a further member": "Thing.more = 7",
    "an item in a list in a table": "table['a'][0] = 7",
    "a further key": "table['b'] = 7",
    "an item in a list in a list": "row[1].append(7)",
    "a set": "names.add(7)",
    "an array": "array[0] = 7",
    "a field of what is frozen": "object.__setattr__(pair, 'first', 7)",
    "what a field refers to": "pair.rest['k'] = 7",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_in_place_is_told_anew(change, monkeypatch):
    """What stands is not told again, what was changed is; one told for the first time agrees with one told anew.

    Of a package of one module: that of certflow is told in the same way, and takes a second.
    """
    monkeypatch.setattr(fingerprint, "_PACKAGE", "changing")
    monkeypatch.setattr(fingerprint, "_LIVE", fingerprint._Live())

    def load(name):
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(CHANGEABLE, vars(module))
        return module

    module = load("changing.able")
    before = live_digests()
    assert live_digests() == before
    exec(change, vars(module))
    after = live_digests()
    assert [name for name in before if before[name] != after[name]] == ["changing.able"]
    module = load("changing.able")
    assert live_digests() == before
    exec(change, vars(module))
    assert live_digests() == after


def test_the_source_is_that_of_the_whole_package(tmp_path):
    """Not of the folder that the fingerprint lies in: an edit of any module is another source."""
    code = "import json; from certflow.claims.fingerprint import source_digest; print(json.dumps(source_digest()))"
    copy = tmp_path / "copy" / "certflow"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    found = [run(tmp_path, code, tmp_path / "copy")]
    for name in ("errors.py", "bounds/rates.py", "claims/field/checks.py"):
        with open(copy / name, "a") as file:
            file.write("\n# edited\n")
        found.append(run(tmp_path, code, tmp_path / "copy"))
    assert len(set(found)) == 4
    assert None not in found
