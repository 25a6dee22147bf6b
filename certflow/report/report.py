"""The report that `cf.verify` returns: its document, and the files that are made from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import PrivateAttr, ValidationError

from certflow.claims.model import Outcome
from certflow.errors import InputError
from certflow.report import verdict
from certflow.report.document import REPORT_SCHEMA, Document
from certflow.report.rebuild import process_of
from certflow.report.saved import read_document

#: The file of a directory that holds the document.
REPORT = "report.json"
_REQUIRED = "a report.json as `certflow verify --out DIR` writes it"


class Report(Document):
    """A document that writes itself and its views; it is true where it holds, so that a test may `assert` it."""

    _inconclusive_passes: bool = PrivateAttr(default=False)

    def __bool__(self) -> bool:
        """Does the report hold? One that is inconclusive does not, unless `allowing_inconclusive` made it."""
        return self.outcome is Outcome.HOLDS or (self._inconclusive_passes and self.outcome is Outcome.INCONCLUSIVE)

    def __repr__(self) -> str:
        """The verdict in one short line, which pytest shows where an assertion fails."""
        return f"<{verdict.short(self)}>"

    __str__ = __repr__

    def allowing_inconclusive(self) -> Report:
        """The same report, for which inconclusive is no failure."""
        allowing = self.model_copy()
        allowing._inconclusive_passes = True
        return allowing

    def raise_for_verdict(self, *, allow_inconclusive: bool = False) -> None:
        """Raise `AssertionError`, with every claim that does not hold and its witness, unless the report is true.

        allow_inconclusive : only a violated claim is raised for

        Examples
        --------
        >>> import certflow as cf
        >>> cf.verify(cf.load_mixture("two-modes"), ["G3"]).raise_for_verdict()
        """
        __tracebackhide__ = True
        allowed = allow_inconclusive and self.outcome is Outcome.INCONCLUSIVE
        if not self and not allowed:
            raise AssertionError(verdict.complaint(self))

    def save(self, directory: str | os.PathLike[str], figures: Mapping[str, str] | None = None) -> list[Path]:
        """Write report.html, report.md, report.json, junit.xml, the figures and the certificates, each atomically.

        figures : SVG texts by name; None draws them, from the mixture of the report

        Certificates that lie in the directory already stay as
        they are; a report that was read back from a file has none to write. Returns the paths written.
        """
        from certflow.report.views import write_certificates, write_views  # Jinja2

        if figures is None:
            from certflow.report.plots import figures_for  # Matplotlib

            figures = figures_for(self, process_of(self))
        return [*write_certificates(self, directory), *write_views(self, directory, figures)]


def load_report(directory: str | os.PathLike[str]) -> Report:
    """The report whose `report.json` lies in `directory`.

    Raises `ValueError`, in one line that names the file, what is wrong with it and what is required, if the
    file is missing, unreadable, truncated, of another schema, or not a report.
    """
    path = Path(directory) / REPORT
    data = read_document(path, REPORT_SCHEMA, _REQUIRED)
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(str(path), f"field {where}: {first['msg']}", _REQUIRED) from None
