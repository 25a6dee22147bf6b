"""Theorems of certificates compiled by Coq: every built-in mixture with a common variance, which of its goals close.

python benchmarks/kernel.py            all of them
python benchmarks/kernel.py iris ...   these
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from fractions import Fraction

from measure import report, verdict

import certflow as cf
from certflow.certificate.catalogue import Made, offers
from certflow.certificate.closed_forms import balanced_grid
from certflow.formal import opened_kernel
from certflow.formal.kernel import SECONDS
from certflow.formal.text import STATEMENTS
from certflow.law.builtin import builtin_names

#: The times of L5; the first and last are the ends of the interval.
TIMES = ("0.01", "0.17", "3")
#: Seconds for the search of one covering.
SEARCH = 5.0


def children() -> float:
    """Processor time of the processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def certificates(process: cf.OrnsteinUhlenbeck) -> Iterator[tuple[str, Made]]:
    """What the catalogue offers of the claims that have a theorem, and G1 of the two-sided rate."""
    for offer in offers(process, True, [Fraction(time) for time in TIMES]):
        if offer.claim in STATEMENTS:
            yield offer.stem, offer.make(SEARCH)
    yield "G1-two-sided", Made(balanced_grid(process, rate="two-sided"))


def main() -> None:
    """Make the certificates of each mixture, have their theorems compiled, name those that do not close."""
    rows, numbers = [], []
    with opened_kernel() as kernel:
        kernel.prepare()
        for name in sys.argv[1:] or builtin_names():
            process = cf.OrnsteinUhlenbeck(cf.load_mixture(name), TIMES[0], TIMES[-1])
            if process.mixture.kind != "common-isotropic":
                continue
            for stem, made in certificates(process):
                if made.certificate is None:
                    print(f"{name} {stem}: no certificate: {made.reason}", flush=True)
                    continue
                before = children()
                said = kernel.decide(made.certificate)
                seconds = children() - before
                assertion = made.certificate["assertion"]
                rate = assertion.get("rate", assertion.get("kind", ""))
                numbers.append(
                    {
                        "mixture": name,
                        "certificate": stem,
                        "claim": f"{made.certificate['claim']} {rate}".strip(),
                        "accepted": said.accepted,
                        "seconds": round(seconds, 2),
                        "said": said.text,
                    }
                )
                print(f"{name} {stem}: {seconds:.1f} s: {said.text}", flush=True)
    for claim in dict.fromkeys(run["claim"] for run in numbers):
        runs = [run for run in numbers if run["claim"] == claim]
        closed = sum(bool(run["accepted"]) for run in runs)
        rows.append(
            {
                "claim": str(claim),
                "goals": f"{len(runs)}",
                "closed": f"{closed}",
                "most processor seconds": f"{max(float(str(run['seconds'])) for run in runs):.1f}",
                "allowed": f"{SECONDS:.0f}",
                "verdict": verdict(closed / len(runs), ">= 0.95"),
            }
        )
    report("kernel", "theorems of certificates compiled by Coq", rows, numbers)


if __name__ == "__main__":
    main()
