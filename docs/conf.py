"""How Sphinx makes the site: `sphinx-build -W -n --keep-going -c docs . build/site` in the root of the repository.

The root is the source folder, so that a link between pages is the same in the repository and in the site.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import certflow
from certflow.report.mathml import typeset

ROOT = Path(__file__).parent.parent
#: An entry of a section: `rate : "one-sided" or "two-sided"`.
ENTRY = re.compile(r"([\w*][\w*, .]*?) : (.*)")

project = "certflow"
author = "the authors of certflow"
release = version = certflow.__version__
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "proofs/*.md",
    "reports/*.md",
    "reports/sweep/*.md",
    "benchmarks/README.md",
    *(p.name for p in ROOT.glob("*.md")),
]
exclude_patterns = [".*", "build", "certflow", "tests", "tools"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
highlight_language = "none"

html_theme = "furo"
html_title = f"certflow {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_root"]
html_copy_source = False
html_math_renderer = "mathml"

myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "inherited-members": "BaseModel,Exception,ValueError,tuple,object"}
autodoc_member_order = "bysource"
autodoc_type_aliases = {"ArrayLike": "ArrayLike", "Floats": "Floats"}
default_role = "code"
# Types of other packages are not linked: their pages are not here, and nothing is fetched.
nitpick_ignore_regex = [("py:.*", r"(?!certflow\.).*")]


def notebook(app: Sphinx, docname: str, source: list[str]) -> None:
    """A notebook as a page of Markdown: its texts, its code, what it printed."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    parts = []
    for cell in json.loads(source[0])["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        parts += [f"```text\n{''.join(output['text']).rstrip()}\n```" for output in cell.get("outputs", [])]
    source[0] = "\n\n".join(parts)


def described(app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """A docstring as reStructuredText.

    Entries `name : text` become those of NumPy's style without a type, an indented formula a literal block; a paragraph
    after a section ends it; signs of formulas outside of backticks are no markup; a proof page is a link.
    """
    text: list[str] = []
    in_section = False
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        rows = paragraph.splitlines()
        head = rows[:2] if len(rows) > 1 and set(rows[1]) == {"-"} else []
        body = rows[len(head) :]
        entries = bool(body) and all(row.startswith("    ") or ENTRY.match(row) for row in body)
        literal = text[-2:-1] == ["::"] or not body or body[0].lstrip().startswith((">>>", "::"))
        if not head and not entries and in_section:
            text.append("")
        in_section = bool(head) or (in_section and entries)
        if not literal and not in_section and all(row.startswith("    ") for row in body):
            text += ["::", ""]
            literal = True
        text += head
        for row in body if literal else marked("\n".join(body)).splitlines():
            entry = ENTRY.match(row) if entries and not literal else None
            text += [entry[1], f"    {entry[2]}"] if entry else [row]
        text.append("")
    lines[:] = text


def marked(text: str) -> str:
    """Formulas in backticks stay; outside of them `*` and `|` are themselves, and a proof page is a link."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        part = re.sub(r"([*|])", r"\\\1", parts[index])
        parts[index] = re.sub(r"(?<![\w/])proofs/([\w-]+)\.md", r":doc:`proofs/\1.md </proofs/\1>`", part)
    return "`".join(parts)


def public(app: Sphinx, env: Any, node: Any, contnode: nodes.Element) -> nodes.Node | None:
    """A class is named by the module that has it, and documented where users find it; others have no page, no link."""
    home, _, name = node.get("reftarget", "").rpartition(".")
    if node.get("refdomain") != "py" or not home.startswith("certflow"):
        return None
    for package in ("certflow", *(f"certflow.{room}" for room in certflow._HOMES if not certflow._HOMES[room])):
        if getattr(import_module(package), "_HOMES", {}).get(name) == home:
            domain = env.get_domain("py")
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", f"{package}.{name}", node, contnode)
    return contnode if hasattr(import_module(home), name) else None


def inline_formula(writer: Any, node: nodes.Element) -> None:
    writer.body.append(str(typeset(node.astext())))
    raise nodes.SkipNode


def displayed_formula(writer: Any, node: nodes.Element) -> None:
    writer.body.append(f'<div class="formula">{typeset(node.astext(), display=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_source_suffix(".ipynb", "markdown")
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    app.connect("source-read", notebook)
    app.connect("autodoc-process-docstring", described, priority=400)
    app.connect("missing-reference", public)
