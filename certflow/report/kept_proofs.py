"""The words on derivations that an earlier run of the same code proved."""

from __future__ import annotations

from certflow.report.document import Document


def kept(proved: str) -> str:
    """The words beside evidence that an earlier run proved."""
    return f"kept from an earlier run, proved {proved}"


def kept_sentence(report: Document) -> str:
    """Which derivations an earlier run proved, and when; empty where none is of one."""
    times: dict[str, list[str]] = {}
    for result in report.results:
        for item in result.evidence:
            if item.proved is not None:
                times.setdefault(item.proved, []).append(result.id)
    if not times:
        return ""
    listed = "; ".join(f"{', '.join(ids)} on {proved}" for proved, ids in sorted(times.items()))
    return f"Symbolic derivations kept from earlier runs of the same code, proved: {listed}."
