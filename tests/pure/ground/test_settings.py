"""Settings: read once, typed, all that is wrong in one message; documented, every one."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from infra.deployment import ROOT
from infra.local.addresses import Addresses
from shared.entry import as_known
from shared.errors import Misconfigured
from shared.quota.profile import FOLDER
from shared.settings import REPORT_TYPES, Settings, load, variable
from shared.warehouse import report_types

REQUIRED = {
    "GOOGLE_CLOUD_PROJECT": "a-project",
    "YT_APP_URL": "https://app.example.test/",
    "YT_API_URL": "https://api.example.test",
    "YT_ID_TOKEN_ISSUER": "https://issuer.example.test",
    "YT_ID_TOKEN_AUDIENCE": "app",
    "YT_ID_TOKEN_KEYS_URL": "https://issuer.example.test/keys",
}


def test_what_is_required_is_exactly_what_has_no_default():
    assert {variable(item.name) for item in fields(Settings) if item.default is MISSING} == set(REQUIRED)


@pytest.mark.fault(48)
def test_everything_that_is_missing_or_wrong_is_named_in_one_message():
    with pytest.raises(Misconfigured) as refusal:
        load({"YT_USERS_MAX": "many", "YT_HUB_URL": "hub"})
    for name in (*REQUIRED, "YT_USERS_MAX", "YT_HUB_URL"):
        assert name in refusal.value.message


WRONG = {
    "YT_USERS_MAX": "0",
    "YT_CHANNELS_PER_USER": "-1",
    "YT_QUOTA_PROFILE": "old",
    "YT_QUOTA_LIMITS": "default=100,uploads",
    "YT_RATE_LIMITS": "reporting=60",
    "YT_DATASET": "you-tube",
    "YT_REPORT_PROFILE": "everything",
    "YT_REPORT_TYPES": "channel_basic_a3,channel_basic_a9",
    "YT_FUNCTION_URL": "https://{service}.example.test",
    "YT_OAUTH_PUBLISHING": "live",
    "YT_HUB_URL": "ftp://name:password@hub.example.test",
    "YT_YOUTUBE_ROOT": "https://",
    "YT_RETURN_TO": ",",
}


@pytest.mark.fault(48)
def test_every_value_that_is_not_of_its_form_is_named_in_one_message_that_repeats_none():
    with pytest.raises(Misconfigured) as refusal:
        load({**REQUIRED, **WRONG})
    for name in WRONG:
        assert name in refusal.value.message
    for value in ("old", "you-tube", "channel_basic_a9", "{service}", "live", "password"):
        assert value not in refusal.value.message


@pytest.mark.parametrize("name", WRONG)
def test_each_of_them_is_enough_to_refuse(name):
    with pytest.raises(Misconfigured, match=name):
        load({**REQUIRED, name: WRONG[name]})


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: variable(item.name))
def test_every_default_is_of_its_setting_s_form(item):
    if item.default is MISSING or item.default in ("", ()):
        return
    text = ",".join(item.default) if isinstance(item.default, tuple) else str(item.default)
    assert getattr(load({**REQUIRED, variable(item.name): text}), item.name) == item.default


def test_the_words_that_may_be_chosen_are_those_that_the_rooms_above_know():
    assert set(REPORT_TYPES) == set(report_types.REPORT_TYPES)
    for name in report_types.PROFILES:
        assert load({**REQUIRED, "YT_REPORT_PROFILE": name}).report_profile == name
    profiles = {found.stem for found in FOLDER.glob("*.toml")}
    for profile in profiles:
        assert load({**REQUIRED, "YT_QUOTA_PROFILE": profile}).quota_profile == profile


def test_nobody_but_the_operator_is_told_what_is_wrong():
    with pytest.raises(Misconfigured) as refusal:
        load({})
    answered = as_known(refusal.value)
    assert (answered.code, answered.reason) == (500, "settings")
    assert "YT_" not in str(answered.as_json())


def test_values_are_typed():
    loaded = load({**REQUIRED, "YT_USERS_MAX": "7", "YT_RETURN_TO": "https://a.test/x, https://b.test"})
    assert loaded.users_max == 7
    assert loaded.return_to == ("https://a.test/x", "https://b.test")
    assert loaded.redirect_uri == "https://app.example.test/auth/youtube/callback"
    assert loaded.url_of("publish") == "https://us-central1-a-project.cloudfunctions.net/publish"


def test_the_stack_sets_every_required_setting():
    stack = Addresses.choose(["console"])
    assert set(REQUIRED) <= set(stack.environment(users=1, channels_per_user=1))


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: variable(item.name))
def test_every_setting_is_documented(item):
    assert f"| `{variable(item.name)}` |" in (ROOT / "infra" / "docs" / "settings.md").read_text()
