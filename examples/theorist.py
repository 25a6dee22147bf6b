"""The theorist: check bounds on a mixture of one's own, prove the sharp value, attach certificates to a paper.

Run `python examples/theorist.py DIR`: prints what is known and how strongly, and writes a report into DIR.
"""

from __future__ import annotations

import sys

import certflow as cf


def main(out: str) -> int:
    # Text is exact: "0.04" is 1/25, never the nearest binary number.
    mixture = cf.GaussianMixture(["1/4", "1/2", "1/4"], [["-2"], ["0.3"], ["2"]], "0.04", name="three-modes")
    process = cf.OrnsteinUhlenbeck(mixture, t_min="0.01", t_max="3")

    # The bound of the paper (L2), the one-sided rate (L3), and what is true: the supremum over all x, proved (L5),
    # whose ends are printed rounded outwards.
    bound = process.growth_rate_bound(0.3)
    sharp = cf.enclosure.sharp_rate(process, "0.3")
    print(f"lambda(0.3) = {bound:.6f}; the supremum lies in {sharp:.10}")

    # Every claim with its evidence; certificates that `certflow check` reads again without the rest of the package.
    report = cf.verify(process, claims=["L2", "L3", "L5", "F1", "F2"], out=out)
    for claim in report.results:
        print(f"{claim.id} {claim.outcome}: {', '.join(dict.fromkeys(piece.kind for piece in claim.evidence))}")
    print(f"{len(report.certificates)} certificates in {out}")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "theorist-report"))
