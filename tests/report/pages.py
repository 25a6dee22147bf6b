"""What the tests of pages share: a page opened in a real browser, and the outline of its tags."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

WIDTHS = (360, 768, 1400)
VOID = {"meta", "br", "wbr", "link", "img", "hr", "input"}


class Visit:
    """A page opened offline, with all that it asked for and complained about."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str = "light"):
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.url = path.as_uri()
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.route("**/*", lambda route: route.continue_() if route.request.url == self.url else route.abort())
        self.page.goto(self.url, wait_until="load")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


OVERFLOWING = """() => {
  const root = document.scrollingElement;
  return [root.scrollWidth, root.clientWidth];
}"""


class Outline(HTMLParser):
    """Checks that tags nest, and collects ids, links and headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag == "a":
            self.links.append(str(named.get("href")))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def targets(links: list[str]) -> set[str]:
    """The ids that links within a page lead to: a state of the graph (`#graph=L5`) leads to the claim's own section."""
    return {f"claim-{link[7:]}" if link.startswith("#graph=") else link[1:] for link in links if link.startswith("#")}


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed
