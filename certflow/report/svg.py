"""Figures as SVG that may stand many to a page: ids of their own, no style that leaks, nothing active."""

from __future__ import annotations

import re
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from certflow.report.style import FACES

if TYPE_CHECKING:
    from certflow.report.canvas import Figure

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_METADATA = f"{{{_SVG}}}metadata"
_ELEMENTS = frozenset(
    {
        "svg", "g", "defs", "path", "use", "clipPath", "rect", "circle", "ellipse", "line", "polyline",
        "polygon", "text", "tspan", "title", "desc", "linearGradient", "radialGradient", "stop", "pattern",
        "symbol", "metadata",
    }
)  # fmt: skip

#: The faces of a text: that which Matplotlib used, and those that it would have used for letters which that one lacks.
_FAMILIES = re.compile(r"(font-family: [^;,]*)[^;]*")

ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def figure_to_svg(figure: Figure, name: str, title: str, numbers: str = "", *, text: bool = False) -> str:
    """A Matplotlib figure as standalone SVG text, the same bytes for the same drawing.

    title : what a screen reader says; name : prefixes every id
    numbers : the CSV of what is drawn, which travels with it (`numbers_of`)
    text : text stays text, in the first of `style.FACES` that a reader has, so that it is found and edited; otherwise
        it becomes paths, so that the figure looks alike wherever it is opened
    """
    from certflow.report.canvas import mpl, quiet

    stream = StringIO()
    settings: dict[Any, Any] = {"svg.fonttype": "none" if text else "path", "svg.hashsalt": name}
    with mpl.rc_context({**settings, "path.simplify_threshold": 0.2}), quiet():
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", metadata=metadata)
    svg = stream.getvalue()
    return with_numbers(isolate(readable(svg) if text else svg, name, title), numbers)


def with_numbers(svg: str, numbers: str) -> str:
    """The SVG document with this text as its `metadata`, in place of what it had; without any if it is empty."""
    root = ElementTree.fromstring(svg)
    for present in root.findall(_METADATA):
        root.remove(present)
    if numbers:
        element = ElementTree.Element(_METADATA)
        element.text = "\n".join(numbers.splitlines())  # whoever reads XML gets no other ends of lines
        root.append(element)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def numbers_of(svg: str) -> str:
    """The CSV of what an SVG document of `figure_to_svg` draws; empty where it has none."""
    return (ElementTree.fromstring(svg).findtext(_METADATA) or "").strip()


def figure_file(figure: Figure, name: str, title: str, suffix: str) -> bytes:
    """The content of a file of that suffix, `.svg`, `.pdf` or `.png`, for a paper: text kept, 300 dots an inch."""
    from certflow.report.canvas import mpl, quiet

    if suffix == ".svg":
        return figure_to_svg(figure, name, title, text=True).encode()
    stream = BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}), quiet():  # TrueType as it is: journals refuse Type 3
        if suffix == ".pdf":
            figure.savefig(stream, format="pdf", metadata={"Title": title, "CreationDate": None})
        else:
            figure.savefig(stream, format="png", dpi=300, metadata={"Software": None, "Title": title})
    return stream.getvalue()


def readable(svg: str) -> str:
    """Matplotlib's text as words, in faces that readers have.

    It sets every character of a label with a formula by itself, sorted by its style. Here neighbours of one style are
    one `tspan`, from left to right, with the place of every character in its list `x`.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter(f"{{{_SVG}}}text"):
        spans = sorted(element, key=lambda span: float(span.get("x", "0")))
        if not spans:
            continue
        element.text, element[:] = None, []
        for span in spans:
            last = element[-1] if len(element) else None
            if span.text == " " and (last is None or (last.text or "").endswith(" ")):
                continue  # SVG counts spaces in a row as one, and none that opens a text
            if last is not None and all(last.get(key) == span.get(key) for key in ("y", "style")):
                last.text = f"{last.text}{span.text}"
                last.set("x", f"{last.get('x')} {span.get('x')}")
            else:
                span.tail = None
                element.append(span)
    for element in root.iter():
        style = element.get("style", "")
        if "font-family" in style:
            element.set("style", _FAMILIES.sub(lambda found: f"{found[1]}, {FACES}", style))
    return ElementTree.tostring(root, encoding="unicode")


def isolate(svg: str, name: str, title: str = "") -> str:
    """`svg` made safe to stand inline beside others: ids prefixed by `name`, only drawing elements kept.

    Scripts, style sheets, foreign content, event handlers and references that leave the document are
    dropped. Idempotent. Raises `ValueError` if the text is not an SVG document.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"figure {name!r}: not well-formed XML ({error}); required: an SVG document") from None
    if root.tag != f"{{{_SVG}}}svg":
        raise ValueError(f"figure {name!r}: got root element {root.tag!r}; required: an SVG document")
    _keep_drawing(root)
    prefix = f"{name}-"
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key.rpartition("}")[2].startswith("on"):
                del element.attrib[key]
            elif key == "id":
                element.set(key, _prefixed(value, prefix))
            elif key.rpartition("}")[2] == "href":
                if not value.startswith("#"):
                    del element.attrib[key]
                else:
                    element.set(key, "#" + _prefixed(value[1:], prefix))
            elif "url(" in value:
                element.set(key, _local_urls(value, prefix))
    _describe(root, title, prefix)
    # Matplotlib says this in a style sheet for `*`, which inline would reach every figure of the page.
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _keep_drawing(element: ElementTree.Element) -> None:
    for child in list(element):
        namespace, _, tag = str(child.tag).rpartition("}")
        if namespace != f"{{{_SVG}" or tag not in _ELEMENTS:
            element.remove(child)
        else:
            _keep_drawing(child)


def _prefixed(identifier: str, prefix: str) -> str:
    return identifier if identifier.startswith(prefix) else prefix + identifier


def _local_urls(value: str, prefix: str) -> str:
    local = re.sub(r"url\(\s*['\"]?#([^)'\"\s]+)['\"]?\s*\)", lambda m: f"url(#{_prefixed(m[1], prefix)})", value)
    return re.sub(r"url\(\s*['\"]?(?!#)[^)]*\)", "none", local)


def _describe(root: ElementTree.Element, title: str, prefix: str) -> None:
    """A `title` child and the role of an image: what a screen reader announces."""
    present = root.find(f"{{{_SVG}}}title")
    if present is None:
        if not title:
            return
        present = ElementTree.Element(f"{{{_SVG}}}title")
        root.insert(0, present)
    present.text = title or present.text
    present.set("id", f"{prefix}title")
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}title")
