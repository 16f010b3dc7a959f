"""Settings: read once, typed, all that is wrong in one message; documented, every one."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from infra.deployment import ROOT
from shared.errors import Misconfigured
from shared.settings import Settings, load

REQUIRED = {
    "GOOGLE_CLOUD_PROJECT": "a-project",
    "YT_APP_URL": "https://app.example.test/",
    "YT_API_URL": "https://api.example.test",
    "YT_ID_TOKEN_ISSUER": "https://issuer.example.test",
    "YT_ID_TOKEN_AUDIENCE": "app",
    "YT_ID_TOKEN_KEYS_URL": "https://issuer.example.test/keys",
}


def test_what_is_required_is_exactly_what_has_no_default():
    assert {item.metadata["env"] for item in fields(Settings) if item.default is MISSING} == set(REQUIRED)


@pytest.mark.fault(48)
def test_everything_that_is_missing_or_wrong_is_named_in_one_message():
    with pytest.raises(Misconfigured) as refusal:
        load({"YT_USERS_MAX": "many", "YT_HUB_URL": "hub"})
    for name in (*REQUIRED, "YT_USERS_MAX", "YT_HUB_URL"):
        assert name in refusal.value.message


def test_values_are_typed():
    loaded = load({**REQUIRED, "YT_USERS_MAX": "7", "YT_RETURN_TO": "https://a.test/x, https://b.test"})
    assert loaded.users_max == 7
    assert loaded.return_to == ("https://a.test/x", "https://b.test")
    assert loaded.redirect_uri == "https://app.example.test/auth/youtube/callback"
    assert loaded.url_of("publish") == "https://us-central1-a-project.cloudfunctions.net/publish"


@pytest.mark.parametrize("item", fields(Settings), ids=lambda item: item.metadata["env"])
def test_every_setting_is_in_the_readme(item):
    assert f"`{item.metadata['env']}`" in (ROOT / "README.md").read_text()
