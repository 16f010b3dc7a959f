"""The data map knows everything that connecting and disconnecting write, and a planted stranger is found."""

from infra.local.demo.unmapped import documents, unmapped
from shared.vault.secret import Secret


def test_the_map_knows_whatever_connections_write(access, disconnects):
    access.connected(channel=0)
    access.fault(method="oauth.revoke", kind="html", times=1)
    disconnects().disconnect(access.connected(user="u2", account=1), "u2")
    access.start()
    left = {collection.id for collection in access.client.collections()}
    assert {"grants", "channels", "revocations", "receipts", "consents", "users", "access"} <= left
    assert unmapped(documents(access.client)) == []


def test_strangers_are_found_however_deep_they_lie(access):
    channel = access.client.document("channels", access.connected())
    sealed = access.vault.seal(Secret("k"), record="r", field="f")
    channel.update({"expires_at": access.simulator.clock(), "key": sealed})
    channel.collection("notes").document("n1").set({"text": "hello"})
    access.client.document("likes", "l1").set({})
    assert unmapped(documents(access.client)) == [
        "the data map does not know that channels expires",
        "the data map does not know the collection channels/*/notes",
        "the data map does not know the collection likes",
        "the data map does not know the sealed field key of channels",
    ]
