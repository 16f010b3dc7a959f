"""Reads durations in ISO 8601, as `contentDetails.duration` has them: PT15M33S, P1DT2H, P0D.

Source: ISO 8601, 4.4.3.2; the Data API's reference of `videos`.
"""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_NUMBER = r"\d{1,18}(?:[.,]\d{1,18})?"
_FORM = re.compile(
    rf"P(?!\Z)(?:(?P<weeks>{_NUMBER})W|(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?!\Z)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?)",
    re.ASCII,
)
_FRACTION_NOT_LAST = re.compile(r"[.,]\d+[A-Z](?!\Z)")


def seconds_of(duration: str | None) -> int | None:
    """A duration in whole seconds, what is left of the last one dropped; None for what is no such length.

    Weeks, days and times have one; years and months, which no video has, are of no certain length.
    """
    found = _FORM.fullmatch(duration or "")
    if found is None or _FRACTION_NOT_LAST.search(found.string):
        return None
    parts = found.groupdict(default="0").items()
    return int(sum(Fraction(number.replace(",", ".")) * _UNITS[unit] for unit, number in parts))
