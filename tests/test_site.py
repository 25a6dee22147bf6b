"""The site builds offline and strictly, without a broken link; every public name has a docstring and a place in it."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from depth import nightly
from documented import ROOT

PACKAGE = ROOT / "certflow"


def packages() -> Iterator[str]:
    """The packages that say what is public in them."""
    for path in [PACKAGE / "__init__.py", *sorted(PACKAGE.glob("*/__init__.py"))]:
        if re.search(r"^__all__ = ", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            yield ".".join(path.parent.relative_to(ROOT).parts)


def public_names() -> Iterator[tuple[str, str, Any]]:
    """Package, name and object of each public name that is no package itself."""
    for package in packages():
        module = import_module(package)
        for name in module.__all__:
            found = getattr(module, name)
            if not inspect.ismodule(found) and not name.startswith("__"):
                yield package, name, found


def undocumented(package: str, name: str, found: Any) -> list[str]:
    """What of a public name has no docstring: itself, its methods and properties; of a constant the comment `#:`."""
    if not callable(found):
        home = getattr(import_module(package), "_HOMES", {}).get(name, package)
        source = Path(inspect.getfile(import_module(home))).read_text(encoding="utf-8")
        said = re.search(rf"^#: .*\n(?:#: .*\n)*{name}\b", source, flags=re.MULTILINE)
        return [] if said else [f"{package}.{name}"]
    missing = [] if inspect.getdoc(found) else [f"{package}.{name}"]
    for part, member in vars(found).items() if inspect.isclass(found) else ():
        is_described = isinstance(member, property | cached_property | classmethod | staticmethod)
        if not part.startswith("_") and (inspect.isfunction(member) or is_described) and not member.__doc__:
            missing.append(f"{package}.{name}.{part}")
    return missing


def test_every_public_name_has_a_docstring() -> None:
    names = list(public_names())
    assert len(names) > 120
    assert [line for name in names for line in undocumented(*name)] == []


def test_what_has_no_docstring_is_found_out() -> None:
    class Bare:
        def walk(self) -> None:
            pass

    assert undocumented("certflow", "Bare", Bare) == ["certflow.Bare", "certflow.Bare.walk"]
    assert undocumented("certflow.grids", "NO_KINDS", {}) == ["certflow.grids.NO_KINDS"]


@dataclass
class Page(HTMLParser):
    """The places of a page that can be pointed at, what it points at, and what it loads."""

    text: str
    places: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places.update(filter(None, (found.get("id"), found.get("name") if tag == "a" else None)))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") not in ("canonical", "next", "prev", "index", "search", "genindex"):
            self.loaded.append(found["href"])


def broken(site: Path) -> list[str]:
    """Links to files or places that the site does not have, and whatever it would load from elsewhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    wrong = []
    for path, page in pages.items():
        for target in [*page.links, *page.loaded]:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loaded and parts.scheme != "data":
                    wrong.append(f"{path.relative_to(site)} loads {target}")
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if to.is_dir():
                to /= "index.html"
            if not to.exists() or (parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].places):
                wrong.append(f"{path.relative_to(site)} -> {target}")
    return wrong


def test_a_broken_link_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="here"><a href="#here">1</a><a href="b.html#there">2</a></p>')
    (tmp_path / "b.html").write_text('<a href="a.html#here">3</a><a href="c.html">4</a><script src="https://x.y/z.js">')
    assert broken(tmp_path) == ["a.html -> b.html#there", "b.html -> c.html", "b.html loads https://x.y/z.js"]


@nightly
def test_the_site_builds_strictly_without_a_broken_link_and_has_every_public_name(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    pytest.importorskip("torch")
    command = re.search(r'^"\$\{PYTHON[^"]*" (-m sphinx .*) build/site$', (ROOT / ".ci/site").read_text(), re.MULTILINE)
    assert command is not None
    site = tmp_path / "site"
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    ended = subprocess.run(
        [sys.executable, *command[1].split(), "-d", str(tmp_path / "read"), str(site)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert ended.returncode == 0, ended.stderr
    assert broken(site) == []
    assert (site / "index.html").exists()
    described = set[str]().union(*(Page(path.read_text()).places for path in site.glob("docs/api/*.html")))
    names = list(public_names())
    for package, name, found in names:
        same = {f"{other}.{alias}" for other, alias, it in names if it is found}
        same |= {f"{found.__module__}.{name}"} if hasattr(found, "__module__") else set()
        assert same & described, f"{package}.{name} has no place in docs/api"


def test_the_pages_of_the_site_are_those_of_the_repository() -> None:
    """Every page of `docs/` and each package with public names is in a table of contents."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for path in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "notebooks").glob("*.ipynb")]:
        name = path.relative_to(ROOT / "docs").with_suffix("")
        assert re.search(rf"^{name}$", index, flags=re.MULTILINE) or path.name == "index.md", path
    api = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8").split()
    assert {package.rpartition(".")[2] for package in packages()} <= set(api)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def wrong_links(page: Path) -> list[str]:
    """Links of a page in the repository to files or headings that are not there."""
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, place = target.partition("#")
        to = page.parent / name if name else page
        if ":" in name or (to.exists() and not place):
            continue
        headings = re.findall(r"^#+ (.*)$", to.read_text(encoding="utf-8"), flags=re.MULTILINE) if to.exists() else []
        if place not in map(slug, headings):
            wrong.append(f"{page.name}: {target}")
    return wrong


def test_links_between_pages_lead_to_files_and_headings() -> None:
    """Every day and in the repository, where no build looks at them."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("proofs/*.md"), ROOT / "benchmarks/README.md"]
    assert [line for page in pages for line in wrong_links(page)] == []


def test_a_wrong_link_between_pages_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# Which `t`?\n[1](#which-t) [2](a.md#which-t) [3](a.md#what) [4](b.md) [5](https://x.y)"
    )
    assert wrong_links(tmp_path / "a.md") == ["a.md: a.md#what", "a.md: b.md"]
