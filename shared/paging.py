"""The one way to read what comes page by page, where only the other side says when it ends."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from shared.errors import CorruptData

Item = TypeVar("Item")
Place = TypeVar("Place", bound=Hashable)

ENDLESS = "endlessListing"


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Items in their order, so many together; the last ones may be fewer."""
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


def pages(
    page: Callable[[Place | None], tuple[Iterable[Item], Place | None]], *, most: int, of: str
) -> Iterator[Item]:
    """Everything that a listing has. page: the items from a place on, and the next place, None after the last.

    Raises CorruptData (reason "endlessListing") when a place comes a second time, or `most` pages are not all.
    of: whose listing it is, for people.
    """
    place: Place | None = None
    been: set[Place] = set()
    for _ in range(most):
        items, place = page(place)
        yield from items
        if place is None:
            return
        if place in been:
            break
        been.add(place)
    raise CorruptData(f"A listing of {of} does not end.", reason=ENDLESS)
