import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access.connect import Connected
from shared.access.consent import Finished
from shared.access.requests import start_request
from shared.errors import InvalidRequest
from shared.settings import Settings

LIST = ("https://app.ytempire.com/channels", "https://app.ytempire.com/settings?tab=youtube")


SETTINGS = Settings(
    project="test",
    app_url="https://app.ytempire.com",
    api_url="https://app.ytempire.com",
    id_token_issuer="https://app.ytempire.com",
    id_token_audience="ytempire",
    id_token_keys_url="https://app.ytempire.com/keys",
    return_to=LIST,
)


def asked_for(address):
    return start_request("u1", {"return_to": address}, SETTINGS).return_to


@pytest.mark.parametrize("address", LIST)
def test_an_address_on_the_list_is_allowed(address):
    assert asked_for(address) == address


@pytest.mark.parametrize("absent", [None, ""])
def test_no_address_is_no_error(absent):
    assert asked_for(absent) is None


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    "address",
    [
        "https://evil",
        "//evil",
        "/\\evil",
        "\\\\evil",
        "https:%2f%2fevil",
        "%2f%2fevil",
        "https://app.ytempire.com/channels@evil",
        "https://app.ytempire.com@evil/channels",
        "https://app.ytempire.com.evil/channels",
        "https://app.ytempire.com/channels/../../evil",
        "https://app.ytempire.com/channels#https://evil",
        "https://app.ytempire.com/channels?next=https://evil",
        "https://app.ytempire.com/channels\r\nLocation: https://evil",
        " https://app.ytempire.com/channels",
        "HTTPS://app.ytempire.com/channels",
        "javascript:alert(1)",
        "data:text/html,evil",
        "/",
        "https://app.ytempire.com/channels" + "a" * 5000,
    ],
)
def test_every_other_address_is_refused(address):
    with pytest.raises(InvalidRequest) as refused:
        asked_for(address)
    assert refused.value.field == "return_to"
    assert "evil" not in refused.value.message


@given(st.text())
def test_whatever_comes_back_is_on_the_list_letter_by_letter(address):
    try:
        found = asked_for(address)
    except InvalidRequest:
        return
    assert found is None or found in LIST


def test_the_outcome_joins_the_query():
    connected = Connected("UC1", "Tide", reconnected=False, missing=())
    assert Finished("connected", "r", connected, LIST[0]).location("/done") == LIST[0] + "?connected=UC1"
    assert Finished("denied", "r", None, LIST[1]).location("/done") == LIST[1] + "&error=denied"
