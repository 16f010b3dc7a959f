"""What people call channels and videos: plain words, other scripts, quotation marks, text that looks like HTML.

Whoever shows a title must survive all of it, so a known share of the titles is awkward on purpose. Those of videos
are such as YouTube accepts back: without `<` and `>`.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.local.simulator.world.hashing import mix, pick

_FIRST = (
    "Ada",
    "Bruno",
    "Chiara",
    "Dmitri",
    "Elif",
    "Farah",
    "Goran",
    "Hana",
    "Igor",
    "Jun",
    "Kofi",
    "Lena",
    "Mei",
    "Noor",
    "Oskar",
    "Priya",
    "Quinn",
    "Rosa",
    "Sven",
    "Tala",
    "Uma",
    "Viktor",
    "Wren",
    "Ximena",
    "Yusuf",
    "Zoë",
)
_LAST = (
    "Abara",
    "Bauer",
    "Costa",
    "Dahl",
    "Eriksen",
    "Fontaine",
    "Grau",
    "Haddad",
    "Ito",
    "Jansen",
    "Kaya",
    "Lopez",
    "Møller",
    "Novak",
    "Okafor",
    "Petrov",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ueda",
    "Vogel",
    "Weiss",
    "Xu",
    "Young",
)
_SUBJECT = (
    "Kitchen",
    "Woodwork",
    "Night Sky",
    "Budget Travel",
    "Retro Games",
    "Garden",
    "Chess",
    "Guitar",
    "Electronics",
    "Running",
    "History",
    "Maths",
    "Sewing",
    "Cycling",
    "Film",
    "Language",
    "Camping",
    "Coffee",
    "Robotics",
    "Piano",
)
_SERIES = ("Lab", "Stories", "Daily", "Workshop", "Club", "Notes", "Academy", "Shorts", "Journal", "Corner")
_VERB = (
    "Building",
    "Fixing",
    "Trying",
    "Ranking",
    "Explaining",
    "Restoring",
    "Learning",
    "Testing",
    "Finding",
    "Making",
)
_THING = (
    "a tiny engine",
    "the oldest map",
    "ten cheap tools",
    "a silent keyboard",
    "the perfect loaf",
    "a broken radio",
    "one hard puzzle",
    "a winter tent",
    "the fastest route",
    "an impossible chord",
    "a forgotten game",
    "a paper boat",
)
_AWKWARD = (
    "{} & friends", 'He said "{}"', "L'été de {}", "&#60;script&#62;{}", "日本語で{}", "{} — ça marche? ✓",
    "Привет, {}", "{} 🎬🔥", "{}, part 1, \"uncut\"", "&lt;{}&gt;", "{}\u202e reversed", "שלום {}", "=SUM({})",
    "{} \\ / | %20",
)  # fmt: skip
_MARKUP = ("<b>{}</b> & friends", "{} <script>alert(1)</script>")
_TAGS = (
    "diy",
    "how to",
    "howto",
    "vlog",
    "review",
    "2026",
    "música",
    "tutorial",
    "slow tv",
    "q&a",
    "日本",
    "budget",
)
CATEGORIES = ("1", "2", "10", "15", "17", "19", "20", "22", "23", "24", "25", "26", "27", "28")
COUNTRIES = (
    "US",
    "IN",
    "BR",
    "GB",
    "DE",
    "JP",
    "MX",
    "FR",
    "ID",
    "CA",
    "ES",
    "PH",
    "IT",
    "TR",
    "KR",
    "PL",
    "AU",
    "NL",
    "AR",
    "SE",
    "VN",
    "CO",
    "ZA",
    "CH",
)


def person(key: int) -> str:
    """A person's name."""
    return f"{pick(key, 201, _FIRST)} {pick(key, 202, _LAST)}"


def channel_title(key: int) -> str:
    """A channel's title; one in five is awkward."""
    plain = f"{pick(key, 203, _SUBJECT)} {pick(key, 204, _SERIES)}"
    return _awkward(plain, key, 205, 5, (*_MARKUP, *_AWKWARD))


def handle(key: int, serial: str) -> str:
    """A channel's handle, with its @; the serial keeps it unique."""
    return f"@{pick(key, 203, _SUBJECT)}{pick(key, 204, _SERIES)}{serial}".replace(" ", "").lower()


def video_title(key: int) -> str:
    """A video's title, at most 100 characters; one in eight is awkward."""
    plain = f"{pick(key, 206, _VERB)} {pick(key, 207, _THING)} #{mix(key, 208) % 90 + 1}"
    return _awkward(plain, key, 209, 8, _AWKWARD)[:100]


def description(key: int, title: str) -> str:
    """A description of a few lines."""
    plain = title.replace("<", "(").replace(">", ")")
    return f"{plain}\n\n{pick(key, 210, _SUBJECT)} for everyone.\nhttps://example.test/{mix(key, 211) % 10_000}"


def tags(key: int) -> list[str]:
    """None to five tags."""
    return sorted({pick(key, 212 + index, _TAGS) for index in range(mix(key, 220) % 6)})


def _awkward(plain: str, key: int, salt: int, one_in: int, forms: Sequence[str]) -> str:
    bits = mix(key, salt)
    if bits % one_in:
        return plain
    return forms[(bits // one_in) % len(forms)].format(plain)
