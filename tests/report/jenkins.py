"""What Jenkins and GitLab read of a JUnit file: the strictest schema, and what it refuses."""

from __future__ import annotations

import re
from xml.etree import ElementTree

#: junit-10.xsd of Jenkins' xUnit plugin: attributes of each element (! required), its children, whether it has text.
SCHEMA = {
    "testsuites": ("name time tests failures errors", "testsuite", False),
    "testsuite": (
        "name! tests! failures! errors! group time skipped timestamp hostname id package file log url",
        "testsuite properties testcase system-out system-err",
        False,
    ),
    "testcase": (
        "name! time classname group",
        "skipped error failure rerunFailure rerunError flakyFailure flakyError system-out system-err",
        False,
    ),
    "properties": ("", "property", False),
    "property": ("name! value!", "", False),
    "failure": ("type message", "", True),
    "error": ("type message", "", True),
    "skipped": ("type message", "", True),
    "system-out": ("", "", True),
    "system-err": ("", "", True),
}
TIME = r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?"


def faults(element: ElementTree.Element) -> list[str]:
    """What the schema refuses in an element and below it."""
    attributes, children, has_text = SCHEMA[element.tag]
    known = {name.rstrip("!") for name in attributes.split()}
    required = {name.rstrip("!") for name in attributes.split() if name.endswith("!")}
    found = [f"{element.tag}: attribute {name}" for name in set(element.keys()) - known]
    found += [f"{element.tag}: no attribute {name}" for name in required - set(element.keys())]
    if element.get("time") is not None and element.tag != "testcase" and not re.fullmatch(TIME, element.get("time")):
        found.append(f"{element.tag}: time {element.get('time')}")
    if not has_text and "".join([element.text or "", *(child.tail or "" for child in element)]).strip():
        found.append(f"{element.tag}: text")
    for child in element:
        found += faults(child) if child.tag in children.split() else [f"{element.tag}: child {child.tag}"]
    return found
