import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access import features
from shared.access.features import ANALYTICS, FEATURES, MANAGE, READ, REVENUE, UPLOAD
from shared.errors import InvalidRequest

ALL_SCOPES = ("openid", READ, MANAGE, UPLOAD, ANALYTICS, REVENUE)


def test_the_bundles_cover_the_scopes_of_the_guide():
    assert set(features.scopes_for(FEATURES)) >= {MANAGE, UPLOAD, ANALYTICS, REVENUE}


def test_only_what_was_asked_for_is_requested():
    assert features.scopes_for(("analytics",)) == ("openid", READ, ANALYTICS)
    assert REVENUE not in features.scopes_for(("analytics", "publish"))


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ([], ("analytics",)),
        ([""], ("analytics",)),
        (["publish", "analytics", "publish"], ("analytics", "publish")),
        (["revenue"], ("revenue",)),
    ],
)
def test_features_are_chosen_by_name_each_once(asked, chosen):
    assert features.chosen(asked) == chosen


def test_an_unknown_feature_is_refused_by_name():
    with pytest.raises(InvalidRequest) as refused:
        features.chosen(["analytics", "everything"])
    assert refused.value.field == "features"


@pytest.mark.fault(6)
def test_an_unticked_monetary_scope_costs_revenue_alone():
    asked = features.scopes_for(("analytics", "revenue", "publish"))
    found = features.capabilities(set(asked) - {REVENUE}, asked)
    assert found["revenue"] == features.Capability(have=False, reason="unticked")
    assert found["analytics"].have
    assert found["publish"].have
    assert features.missing(found) == ("revenue",)


def test_a_feature_never_asked_for_is_not_called_missing():
    asked = features.scopes_for(("analytics",))
    found = features.capabilities(asked, asked)
    assert found["publish"] == features.Capability(have=False, reason="notAsked")
    assert features.missing(found) == ()


def test_the_monetary_scope_alone_reads_analytics_too():
    assert features.capabilities({READ, REVENUE}, {READ, REVENUE, ANALYTICS})["analytics"].have


@given(granted=st.sets(st.sampled_from(ALL_SCOPES)), asked=st.sets(st.sampled_from(ALL_SCOPES)))
def test_a_capability_follows_from_what_was_granted_and_never_from_what_was_asked(granted, asked):
    with_asked = features.capabilities(granted, asked)
    with_nothing = features.capabilities(granted, ())
    assert {name: found.have for name, found in with_asked.items()} == {
        name: found.have for name, found in with_nothing.items()
    }


@given(granted=st.sets(st.sampled_from(ALL_SCOPES)), more=st.sampled_from(ALL_SCOPES))
def test_granting_more_never_takes_a_capability_away(granted, more):
    before = features.capabilities(granted, ALL_SCOPES)
    after = features.capabilities(granted | {more}, ALL_SCOPES)
    assert all(after[name].have for name, found in before.items() if found.have)
