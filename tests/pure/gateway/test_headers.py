"""What the front end takes from a request's headers, leaves, and adds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from infra.local.gateway import headers as rules

names = st.sampled_from(["Accept", "Connection", "TE", "X-Forwarded-For", "Cookie", "Transfer-Encoding", "X-Own"])


@given(st.lists(st.tuples(names, st.text("abc"))))
def test_nothing_that_ends_at_the_front_end_passes_and_everything_else_does(headers):
    passed = rules.passed_on(headers)
    assert passed == [(n.lower(), v) for n, v in headers if n in {"Accept", "Cookie", "X-Own"}]


@given(st.text("abc.", min_size=1))
def test_a_token_without_its_signature_is_no_token(signature):
    assert rules.without_signature(f"Bearer head.body.{signature.replace('.', '')}") == (
        f"Bearer head.body.{rules.SIGNATURE_REMOVED}"
    )


def test_a_trace_that_the_caller_began_is_kept():
    assert rules.trace_context("abc/1;o=1", random.Random(0)) == "abc/1;o=1"


def test_the_client_is_named_after_what_it_claims():
    assert rules.forwarded_for("1.1.1.1", "2.2.2.2", "3.3.3.3") == "1.1.1.1, 2.2.2.2, 3.3.3.3"
    assert rules.forwarded_for(None, "2.2.2.2", None) == "2.2.2.2"
