"""Numbers in sentences: whole where they are short, else rounded to the side on which the sentence stays true.

A bound from above is rounded up, one from below down, to 20 digits and with its exponent. What must be exact, such as a
time, is written whole or, where it is too long to be read, as a number in an interval that holds it.
"""

from __future__ import annotations

from fractions import Fraction

#: Numbers of up to so many characters are printed as they are written; what is exact, of up to so many.
SHORT, SHORT_EXACT = 40, 64
DIGITS = 20


def at_most(text: str, value: Fraction) -> str:
    """A bound from above, written in the file as `text`."""
    return text if len(text) <= SHORT else rounded(value, up=True)


def at_least(text: str, value: Fraction) -> str:
    """A bound from below, written in the file as `text`."""
    return text if len(text) <= SHORT else rounded(value, up=False)


def exactly(text: str, value: Fraction) -> str:
    """A number that is asserted to be this one, written in the file as `text`."""
    if len(text) <= SHORT_EXACT:
        return text
    low, high = rounded(value, up=False), rounded(value, up=True)
    return low if low == high else f"a number in [{low}, {high}]"


def about(value: Fraction) -> str:
    """A number of a refusal: whole if it is short, else to 20 digits."""
    low, high = rounded(value, up=False), rounded(value, up=True)
    if low == high:
        return low
    text = str(value) if max(abs(value.numerator), value.denominator) < 10**DIGITS else ""
    return text if 0 < len(text) <= SHORT else f"about {low}"


def rounded(value: Fraction, up: bool) -> str:
    """The nearest decimal of 20 digits that is `>= value` (up) or `<= value`; exactly `value` where it is one."""
    if not value:
        return "0"
    size, away = abs(value), up == (value > 0)
    exponent = (
        (size.numerator.bit_length() - size.denominator.bit_length()) * 30103 // 100000
    )  # of the first digit, or near it
    while True:
        places = DIGITS - 1 - exponent
        units, rest = divmod(size.numerator * 10 ** max(places, 0), size.denominator * 10 ** max(-places, 0))
        if 10 ** (DIGITS - 1) <= units < 10**DIGITS:
            return ("-" if value < 0 else "") + decimal(units + (away and rest > 0), -places)
        exponent += len(str(units)) - DIGITS if units else -DIGITS


def decimal(units: int, exponent: int) -> str:
    """`units 10^exponent`, without zeros at the end; with an exponent where there would be many zeros."""
    digits = str(units).rstrip("0")
    exponent += len(str(units)) - len(digits)
    point = len(digits) + exponent
    if 0 < point <= DIGITS + 1:
        whole, part = digits[:point].ljust(point, "0"), digits[point:]
        return f"{whole}.{part}" if part else whole
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    return f"{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1}"


def shortened(text: str, most: int) -> str:
    """A text, without its middle where it is long."""
    return text if len(text) <= most else f"{text[: most - 23]}...{text[-20:]}"
