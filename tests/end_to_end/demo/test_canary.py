"""The search for secrets looks at what people are shown, and finds what stands there."""

from infra.local import loopback
from infra.local.demo.canary import pages, search
from infra.local.demo.connect import connect, people


def issued(stack):
    answer = loopback.http().get(f"{stack.simulator}/control/issued").json()["issued"]
    return {value: kind for kind, values in answer.items() if kind != "app_id_token" for value in values}


def test_every_kind_of_page_is_searched_and_a_secret_on_one_is_found(stack, monkeypatch):
    from google.cloud import firestore

    person = people(stack, users=1)[0]
    with loopback.client(timeout=60) as http:
        assert connect(stack, http, person, person.channels[0]) is None
    shown = "\n".join(pages(stack))
    for heading in (
        "Your channel is connected",
        "You did not give access",
        "This sign-in has been used already",
        "You have reached your number of channels",
        "Skip to the page",
        "There is no such page.",
        '"problems":',
    ):
        assert heading in shown
    secrets = issued(stack)
    assert {"code", "code_verifier", "access_token", "refresh_token", "id_token"} <= set(secrets.values())
    assert search(secrets, shown) == set()

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", stack.env["FIRESTORE_EMULATOR_HOST"])
    token = next(secret for secret, kind in secrets.items() if kind == "refresh_token")
    channels = firestore.Client(project=stack.env["GOOGLE_CLOUD_PROJECT"]).collection("channels")
    connected = channels.document(person.channels[0]).get().to_dict()
    channels.document("UCanother").set({**connected, "title": token})
    assert search(secrets, "\n".join(pages(stack))) == {token}
    channels.document("UCanother").delete()  # the room's other tests meet no such channel
