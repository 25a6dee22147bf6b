"""Theorems of certificates compiled by Coq: every built-in mixture with a common variance, which of its goals close.

python benchmarks/kernel.py            all of them
python benchmarks/kernel.py iris ...   these
"""

from __future__ import annotations

import resource
import sys

from measure import report, verdict

import certflow as cf
from certflow.certificate.catalogue import offers
from certflow.formal import opened_kernel
from certflow.formal.kernel import SECONDS
from certflow.law.builtin import builtin_names


def children() -> float:
    """Processor time of the processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Make the certificates of each mixture, have their theorems compiled, name those that do not close."""
    rows, numbers = [], []
    with opened_kernel() as kernel:
        for name in sys.argv[1:] or builtin_names():
            process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
            if process.mixture.kind != "common-isotropic":
                continue
            for offer in offers(process):
                made = offer.make(1.0)
                if made.certificate is None:
                    print(f"{name} {offer.claim}: no certificate: {made.reason}", flush=True)
                    continue
                before = children()
                said = kernel.decide(made.certificate)
                seconds = children() - before
                numbers.append(
                    {
                        "mixture": name,
                        "claim": offer.claim,
                        "accepted": said.accepted,
                        "seconds": seconds,
                        "said": said.text,
                    }
                )
                print(f"{name} {offer.claim}: {seconds:.1f} s: {said.text}", flush=True)
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
