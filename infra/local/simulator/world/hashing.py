"""Numbers out of nothing but a key: the world's only source of chance.

Every random-looking figure of the world is a hash of (seed, thing, day, purpose). So the world needs no memory to
be the same twice, any day can be asked for in any order, and a year costs no more than a day.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def key_of(*parts: object) -> int:
    """A 64-bit key for a thing named by its parts."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def mix(key: int, salt: int) -> int:
    """64 evenly spread bits for a purpose (salt) of a key: the finaliser of splitmix64."""
    z = (key + salt * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def unit(key: int, salt: int) -> float:
    """An even number in [0, 1)."""
    return (mix(key, salt) >> 11) * (1.0 / (1 << 53))


def between(key: int, salt: int, low: float, high: float) -> float:
    """An even number in [low, high)."""
    return low + (high - low) * unit(key, salt)


def pick(key: int, salt: int, choices: Sequence[T]) -> T:
    """One of the choices, evenly."""
    return choices[mix(key, salt) % len(choices)]


def normal(key: int, salt: int) -> float:
    """A standard normal number (Box and Muller); uses salt and salt + 1."""
    radius = math.sqrt(-2.0 * math.log(1.0 - unit(key, salt)))
    return radius * math.cos(2.0 * math.pi * unit(key, salt + 1))


def pareto(key: int, salt: int, alpha: float, cap: float) -> float:
    """A heavy-tailed factor of at least 1 and at most `cap`."""
    return min(cap, math.pow(1.0 - unit(key, salt), -1.0 / alpha))


def poisson(key: int, salt: int, mean: float, most: int) -> int:
    """How many of a rare thing happen, at most `most`."""
    left = unit(key, salt)
    chance = math.exp(-mean)
    count = 0
    while left >= chance and count < most:
        left -= chance
        count += 1
        chance *= mean / count
    return count


def letters(length: int, *parts: object) -> str:
    """An id of YouTube's alphabet, the same for the same parts."""
    digest = hashlib.blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=32).digest()
    return "".join(_ID_LETTERS[byte & 63] for byte in digest[:length])
