"""Which function a path leads to, and through which door."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from starlette.routing import compile_path

from infra.deployment import Deployment, Function


class Door(Enum):
    """How a request is let in."""

    PUBLIC = "public"
    IAP = "iap"
    PRIVATE = "private"
    PUSH = "push"


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a request goes. route: its path without what stands in it, which may be a secret."""

    function: Function
    door: Door
    route: str


@dataclass(frozen=True)
class RouteTable:
    """The public addresses and private names of the functions that run here."""

    public: Sequence[tuple[str, re.Pattern[str], Function]]
    private: dict[str, Function]
    pushes: dict[str, Function]

    def destination(self, path: str) -> Destination | None:
        """Where a path leads, or None for nowhere."""
        for route, pattern, function in self.public:
            if pattern.match(path):
                door = Door.IAP if function.trigger == "http-iap" else Door.PUBLIC
                return Destination(function=function, door=door, route=route)
        kind, _, rest = path.removeprefix("/").partition("/")
        name, slash, _ = rest.partition("/")
        if kind == "functions" and name in self.private:
            return Destination(function=self.private[name], door=Door.PRIVATE, route=f"/functions/{name}")
        if kind == "push" and not slash and name in self.pushes:
            return Destination(function=self.pushes[name], door=Door.PUSH, route=f"/push/{name}")
        return None


def route_table(declared: Deployment, running: Collection[str]) -> RouteTable:
    """The routes to the functions that run."""
    functions = [function for function in declared.functions.values() if function.name in running]
    return RouteTable(
        public=[(path, compile_path(path)[0], function) for function in functions for path in function.paths],
        private={function.name: function for function in functions if function.private},
        pushes={
            subscription.name: declared.functions[subscription.function]
            for subscription in declared.subscriptions.values()
            if subscription.function is not None and subscription.function in running
        },
    )
