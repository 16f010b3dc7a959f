import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access import requests
from shared.errors import InvalidRequest

LIST = ("https://app.ytempire.com/channels", "https://app.ytempire.com/settings?tab=youtube")


@pytest.mark.parametrize("address", LIST)
def test_an_address_on_the_list_is_allowed(address):
    assert requests.allowed(address, LIST) == address


@pytest.mark.parametrize("absent", [None, ""])
def test_no_address_is_no_error(absent):
    assert requests.allowed(absent, LIST) is None


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
        requests.allowed(address, LIST)
    assert refused.value.field == "return_to"
    assert "evil" not in refused.value.message


@given(st.text())
def test_whatever_comes_back_is_on_the_list_letter_by_letter(address):
    try:
        found = requests.allowed(address, LIST)
    except InvalidRequest:
        return
    assert found is None or found in LIST


def test_the_outcome_joins_the_query():
    assert requests.with_result(LIST[0], connected="UC1") == LIST[0] + "?connected=UC1"
    assert requests.with_result(LIST[1], error="denied") == LIST[1] + "&error=denied"
