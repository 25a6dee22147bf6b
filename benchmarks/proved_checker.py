"""The checker and the rules that are proved in Coq: certificates and corruptions on which they disagree.

python benchmarks/proved_checker.py [COUNT]     COUNT corruptions of each claim, 6,000 unless given

Every certificate of the built-in mixtures with a common variance; single corruptions of those of
tests/certificate/mutations.py, in all its groups; pairs of files on both sides of what the checker accepts. How they
are compared is in tests/certificate/agreement.py.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from measure import report, verdict

import certflow as cf
from certflow.certificate.catalogue import offers
from certflow.certificate.envelope import certificate_text
from certflow.formal import opened_proved_checker
from certflow.law.builtin import builtin_names

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests" / folder) for folder in ("certificate", "")]


def builtins(claim: str) -> Iterator[tuple[str, str]]:
    """The certificates of the claim, of all built-in mixtures with a common variance."""
    for name in builtin_names():
        process = cf.OrnsteinUhlenbeck(cf.load_mixture(name))
        if process.mixture.kind == "common-isotropic":
            for offer in offers(process):
                made = offer.make(1.0) if offer.claim == claim else None
                if made is not None and made.certificate is not None:
                    yield certificate_text(made.certificate), name


def main() -> None:
    import agreement

    count = int(sys.argv[1]) if sys.argv[1:] else 6000
    rows, numbers, wrong = [], [], []
    started = time.perf_counter()
    with opened_proved_checker() as proved:
        built = time.perf_counter() - started
        for claim in agreement.CLAIMS:
            kinds = {
                "built-in mixtures": builtins(claim),
                "corruptions": agreement.corrupted(claim, count),
                "half a unit": agreement.at_thresholds(claim),
            }
            for kind, files in kinds.items():
                found = agreement.compare(proved, claim, files)
                wrong += found.disagreements
                counted = (found.unread, found.accepted, found.refused, len(found.disagreements))
                numbers.append(
                    {
                        "claim": claim,
                        "files": kind,
                        **dict(zip(("unread", "accepted", "refused", "disagreements"), counted, strict=True)),
                    }
                )
                rows.append({"claim": claim, "files": kind, **_words(counted), "verdict": verdict(counted[3], "<= 0")})
    print(f"extracted and compiled in {built:.1f} s")
    report("proved_checker", "the checker and the rules that are proved", rows, numbers)
    print("\n".join(wrong))


def _words(counted: tuple[int, int, int, int]) -> dict[str, str]:
    names = ("not read", "both accept", "both refuse", "disagreements")
    return {name: f"{value:,}" for name, value in zip(names, counted, strict=True)}


if __name__ == "__main__":
    main()
