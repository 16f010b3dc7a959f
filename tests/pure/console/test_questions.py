"""Saved questions: GoogleSQL's analyser says of each that it reads views and nothing else; values are typed."""

from __future__ import annotations

from datetime import date

import pytest

from infra.judges.reading import nodes
from infra.judges.warehouse import problems
from infra.views import OVER_OWNERS, VIEWS
from shared.console.questions import questions, takes, values
from shared.errors import InvalidRequest

CHANNEL = "UC" + "a" * 22


@pytest.fixture
def analyser(spoken):
    over, wrong = spoken
    assert wrong == []
    return over


@pytest.mark.parametrize("question", questions().values(), ids=questions())
def test_a_question_is_a_query_over_views_alone_and_adds_up_nothing_over_owners(analyser, question):
    assert list(problems(analyser, (question,))) == []
    tree = analyser.resolved(question.text, question.parameters)
    kinds = {type(node).__name__ for node in nodes(tree)}
    assert type(tree).__name__ == "ResolvedQueryStmt"
    assert not [kind for kind in kinds if kind.endswith("Stmt") and kind != "ResolvedQueryStmt"]
    tables = {node.table.name for node in nodes(tree) if type(node).__name__ == "ResolvedTableScan"}
    assert tables
    assert tables <= set(VIEWS) - set(OVER_OWNERS)
    assert question.text.count("`") == 2 * question.text.count("`{dataset}.")


@pytest.mark.parametrize("question", questions().values(), ids=questions())
def test_every_parameter_says_what_it_takes_and_is_bound_and_never_written_into_the_text(question):
    assert all(takes(question).values())
    assert all(f"@{name}" in question.text for name in question.parameters)
    given = {"channel": CHANNEL, "since": "2026-11-01", "day": "2026-11-01", "before": "2026-11-01"}
    found = values(question, given.get)
    assert found is not None
    assert found.keys() == question.parameters.keys()
    assert all(isinstance(found[name], date) for name, kind in question.parameters.items() if kind == "DATE")


def test_before_anything_is_given_nothing_is_asked():
    assert values(questions()["months"], lambda _: "") is None


@pytest.mark.parametrize("channel", ["x", f"{CHANNEL}'--", f"{CHANNEL} ", "`other.dataset`", "UC" + "a" * 21])
def test_what_is_no_channel_never_reaches_bigquery(channel):
    with pytest.raises(InvalidRequest):
        values(questions()["months"], {"channel": channel}.get)


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2026-11-01; DROP TABLE x", ""])
def test_what_is_no_day_never_reaches_bigquery(since):
    with pytest.raises(InvalidRequest):
        values(questions()["growing"], {"channel": CHANNEL, "since": since}.get)
