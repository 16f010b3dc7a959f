import json
import pickle

import pytest

from shared.vault.secret import PLACEHOLDER, Secret

CANARY = "ya29.canary-token"


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>40}",
        "{}".format,
        lambda secret: "%s" % secret,  # noqa: UP031
        lambda secret: json.dumps({"token": secret}, default=str),
        lambda secret: str([secret]),
        lambda secret: str({"token": secret}),
    ],
)
def test_a_secret_is_a_placeholder_however_it_is_printed(shown):
    text = shown(Secret(CANARY))
    assert CANARY not in text
    assert PLACEHOLDER in text


def test_a_secret_leaves_through_reveal_alone():
    assert Secret(CANARY).reveal() == CANARY
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        hash(Secret(CANARY))


def test_secrets_compare_with_secrets_only():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
