"""What `certflow mixtures fit` says of covariance types and numbers of components, and which it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certflow.commands.fit_claims import Standing, standings
from certflow.errors import InputError
from certflow.law.fitting import Fit
from certflow.law.selection import ERRORS, Candidate, candidates, chosen, of_least_bic
from certflow.numbers.arrays import Points
from certflow.numbers.numerals import figure
from certflow.terminal import filled, table


@dataclass(frozen=True)
class Choice:
    """The model that is taken, the sentence that says why, and what it was compared with."""

    best: Candidate
    reason: str
    found: list[Candidate]
    refused: dict[tuple[str, int], InputError]
    standing: list[Standing]

    @property
    def fit(self) -> Fit:
        """The parameters; how they were chosen is kept with them."""
        return self.best.found._replace(origin={**self.best.found.origin, "chosen": self.reason})


def choose(
    points: Points,
    counts: Sequence[int],
    types: tuple[str, ...],
    seed: int,
    told: Callable[[int, int], None] | None = None,
) -> Choice:
    """Of each type the number of components with the least BIC; of these the one that keeps most claims, unless another
    tells rows that were held out clearly better.

    Raises
    ------
    InputError : no type can be fitted, with the reason of the first.
    """
    fitted, refused = candidates(points, counts, types, seed, told)
    if not fitted:
        raise next(iter(refused.values()))
    preferred = {each.covariance_type: each.n_components for each in of_least_bic(fitted)}
    fits = {(each.covariance_type, each.n_components): each.found for each in fitted}
    numbers = {word: preferred.get(word, max(counts)) for word in types}
    standing = standings(numbers, points.shape[1], fits)
    words = [each.covariance_type for each in standing]
    found = sorted(fitted, key=lambda each: words.index(each.covariance_type))
    ordered = of_least_bic(found)
    best, compared = chosen(ordered)
    return Choice(best, _reason(best, compared, ordered, counts, len(types)), found, refused, standing)


def _reason(
    best: Candidate,
    compared: list[tuple[Candidate, Candidate, float, float]],
    ordered: list[Candidate],
    counts: Sequence[int],
    n_types: int,
) -> str:
    number = f"K = {best.n_components}" + (" has the least BIC of this type" if len(counts) > 1 else " was asked for")
    if n_types == 1:
        return f"{best.covariance_type} was asked for; {number}"
    judged = [each for each in compared if not math.isnan(each[2])]
    won = [(before, gain, error) for before, rival, gain, error in judged if rival is best]
    told = [(rival, gain, error) for before, rival, gain, error in judged if before is best]
    if won:
        before, gain, error = won[0]
        why = (
            f"rows that were held out are told better than by {before.covariance_type} by {_gain(gain, error)} nats a "
            f"row, more than {ERRORS:g} standard errors"
        )
    elif told:
        rival, gain, error = max(told, key=lambda each: each[1])
        why = (
            "it keeps most claims, and no type that keeps fewer tells rows that were held out better by more than "
            f"{ERRORS:g} standard errors (at best {rival.covariance_type}, by {_gain(gain, error)} nats a row)"
        )
    elif best.held_out is None:
        why = "it keeps most claims, and too few rows can be held out to compare it with others"
    else:
        why = "it keeps most claims, and no other law could be compared with it"
    return f"{best.covariance_type}: {why}{_left_out(best, compared, ordered)}; {number}"


def _left_out(
    best: Candidate, compared: list[tuple[Candidate, Candidate, float, float]], ordered: list[Candidate]
) -> str:
    """Which types were not compared, and why."""
    rivals = [rival for _, rival, _, _ in compared]
    same = [each.covariance_type for each in ordered[1:] if all(each is not rival for rival in rivals)]
    blind = [rival.covariance_type for rival in rivals if rival.held_out is None]
    text = ""
    if blind and best.held_out is not None:
        text += f"; {' and '.join(blind)} could not be compared: too few rows can be held out"
    if same:
        text += f"; {' and '.join(same)}: the same law as a simpler type"
    return text


def _gain(gain: float, error: float) -> str:
    return f"{figure(gain, 3)} ± {figure(error, 2)}"


def lines_of(choice: Choice) -> str:
    """Everything that was compared, the choice, and what is lost by it."""
    lines = [claims_table(choice.standing), "", _comparison(choice)]
    for (word, count), error in choice.refused.items():
        lines.append(filled(f"{word}, K = {count}: no fit ({error.requirement})", indent="  "))
    lines += ["", filled(f"Chosen: {choice.reason}.", indent="  ")]
    return "\n".join([*lines, *lost_lines(choice.standing, choice.best.covariance_type)])


def claims_table(standing: list[Standing]) -> str:
    """What each type keeps and loses."""
    rows = []
    for each in standing:
        lost = _short(list(each.lost)) if each.lost else "none of them"
        mark = "" if each.fitted else "°"
        rows.append((f"{each.covariance_type}{mark}", str(each.n_components), str(len(each.kept)), lost))
    told = "Claims with a check that applies to the fit of each covariance type"
    if not all(each.fitted for each in standing):
        told += " (°: not fitted; to a mixture of this kind whose numbers stand in no relation to each other)"
    return f"{filled(f'{told}:')}\n\n{table(('type', 'K', 'claims', 'loses of those of common'), rows, left=4)}"


def lost_lines(standing: list[Standing], word: str) -> list[str]:
    """Why the claims that a type loses are lost, a line for each reason."""
    lost = next(each.lost for each in standing if each.covariance_type == word)
    reasons: dict[str, list[str]] = {}
    for claim, reason in lost.items():
        reasons.setdefault(reason, []).append(claim)
    lines = [filled(f"{_short(claims)}: {reason}", "  ", "    ") for reason, claims in reasons.items()]
    if not lines:
        return [f"With {word} no claim is lost."]
    return [f"Lost with {word} (--covariance-type common keeps them):", *lines]


def _comparison(choice: Choice) -> str:
    rows = []
    preferred = {each.covariance_type: each for each in of_least_bic(choice.found)}
    first = next(iter(preferred.values()))
    for each in choice.found:
        gain, error = each.gain(first)
        mark = "*" if each is choice.best else ""
        held = "–" if each.held_out is None else figure(each.mean_held_out, 5)
        over = "–" if each is first or gain != gain else _gain(gain, error)
        size = (str(each.n_components), str(each.parameters))
        rows.append((f"{each.covariance_type}{mark}", *size, f"{each.bic:.1f}", held, over))
    head = ("type", "K", "numbers", "BIC", "held out", f"over {first.covariance_type}")
    told = (
        "BIC (less is better), and the log-likelihood of rows that were held out, nats a row, with what it has over "
        f"{first.covariance_type} with K = {first.n_components} and the standard error of that:"
    )
    return f"{filled(told)}\n\n{table(head, rows, left=1)}"


def _short(claims: list[str]) -> str:
    """Ids, with runs of a chapter drawn together: L1 to L4."""
    parts: list[list[str]] = []
    for claim in claims:
        follows = parts and claim[0] == parts[-1][-1][0] and int(claim[1:]) == int(parts[-1][-1][1:]) + 1
        if follows:
            parts[-1].append(claim)
        else:
            parts.append([claim])
    return ", ".join(f"{part[0]} to {part[-1]}" if len(part) > 2 else ", ".join(part) for part in parts)
