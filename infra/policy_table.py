"""Prints the policy for YouTube's errors as a table for people."""

from __future__ import annotations

import tomllib
from datetime import timedelta

from shared.youtube.policy import FILE, Action, Rule, policy

_FROM = {True: "owner's guide", False: "YouTube"}


def as_markdown() -> str:
    """One row a reason."""
    guide = tomllib.loads(FILE.read_text(encoding="utf-8"))["guide"]
    lines = [
        "| reason | kind | retry | wait | at most | action | then | alert | from |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{rule.reason}` | {rule.kind} | {'yes' if rule.retry else 'no'} | {_wait(rule)} | {rule.limit or ''} "
        f"| {rule.action} | {_then(rule)} | {rule.alert} | {_FROM[rule.reason in guide]} |"
        for rule in policy().rules.values()
    ]
    return "\n".join(lines) + "\n"


def _then(rule: Rule) -> str:
    if not rule.retry:
        return ""
    if rule.after is Action.RETRY_LATER:
        waits = policy().retry_later
        return f"{rule.after}, {len(waits)} times over {sum(waits, timedelta()) // timedelta(hours=1)} hours"
    return str(rule.after)


def _wait(rule: Rule) -> str:
    if rule.backoff == "exponential":
        return f"exponential, full jitter, {rule.delay:g} s doubling to {rule.cap:g} s"
    return f"{rule.delay:g} s" if rule.delay else ""
