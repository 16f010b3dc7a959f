import json
from datetime import timedelta

import pytest

from shared import data_map
from shared.errors import Misconfigured
from shared.vault.rotation import Rotation
from shared.vault.secret import Secret
from shared.vault.vault import KEY_TTL, Vault

SETTLED = 2 * KEY_TTL + timedelta(seconds=5)


def rotate(access):
    return Rotation(access.client, access.vault, access.keyring, access.simulator.clock)


def settle(access):
    access.simulator.timepiece.advance(SETTLED.total_seconds())


def versions(access):
    """Every key version under which something is sealed, wherever it lies."""
    return {
        value["v"]
        for collection, field in data_map.sealed()
        for fields in access.stored(collection).values()
        if (value := fields.get(field)) is not None
    }


def test_a_new_version_seals_everything_anew_and_the_old_one_is_disabled(access):
    ids = [access.connected(channel=number) for number in range(2)]
    access.start()
    assert rotate(access).add_version() == 2
    progress = rotate(access).run()
    assert progress.current == 2
    assert progress.resealed == 5  # two tokens of two channels, and the verifier of a consent under way
    assert versions(access) == {2}
    assert progress.disabled == ()  # an instance may still seal with the old key
    settle(access)
    assert rotate(access).run().disabled == (1,)
    assert [version.number for version in access.keyring.enabled()] == [2]
    for channel_id in ids:
        access.expire(channel_id)
        assert access.refresher().fresh(channel_id).secret.reveal()
    with pytest.raises(Misconfigured):
        access.keyring.version(1)


@pytest.mark.fault(17)
def test_a_rotation_stopped_half_way_leaves_everything_readable_and_a_second_run_finishes(access):
    ids = [access.connected(channel=number) for number in range(3)]
    rotate(access).add_version()
    ticks = iter(range(1000))
    start = access.simulator.clock()

    def hurried():
        return start + timedelta(seconds=next(ticks))

    half = Rotation(access.client, access.vault, access.keyring, hurried).run(until=start + timedelta(seconds=4))
    assert 0 < half.resealed < 6
    assert half.remaining[1] == 6 - half.resealed
    assert versions(access) == {1, 2}
    for channel_id in ids:
        assert access.refresher().fresh(channel_id).secret.reveal()
    settle(access)
    assert rotate(access).run().disabled == (1,)
    assert versions(access) == {2}


@pytest.mark.fault(17)
def test_a_record_that_does_not_open_is_named_and_keeps_its_version_while_all_others_go_on(
    access, capsys, monkeypatch
):
    monkeypatch.setattr("shared.vault.rotation._PAGE", 1)
    ids = sorted(access.connected(channel=number) for number in range(3))
    spoilt = {"v": 1, "n": bytes(12), "c": b"spoilt"}
    access.client.document("grants", ids[0]).update({"access_token": spoilt})
    rotate(access).add_version()
    settle(access)
    progress = rotate(access).run()
    assert (progress.resealed, progress.remaining, progress.disabled) == (5, {1: 1}, ())
    told = [line for line in capsys.readouterr().out.splitlines() if "does not open" in line]
    assert [(json.loads(line)["record"], json.loads(line)["field"]) for line in told] == [
        (f"grants/{ids[0]}", "access_token")
    ]
    access.client.document("grants", ids[0]).delete()
    assert rotate(access).run().disabled == (1,)


@pytest.mark.parametrize("place", list(data_map.sealed()), ids=".".join)
def test_a_version_that_seals_any_field_of_the_system_counts_as_in_use(access, place):
    collection, field = place
    spoilt = {"v": 1, "n": bytes(12), "c": b"spoilt"}
    access.client.document(collection, "one").set({})
    access.client.document(collection, "one").update({field: spoilt})
    rotate(access).add_version()
    settle(access)
    progress = rotate(access).run()
    assert (progress.remaining, progress.disabled) == ({1: 1}, ())


def test_a_version_is_disabled_only_when_no_instance_can_still_seal_with_it(access):
    access.connected()
    rotate(access).add_version()
    access.simulator.timepiece.advance((2 * KEY_TTL - timedelta(seconds=30)).total_seconds())
    assert rotate(access).run().disabled == ()
    access.simulator.timepiece.advance(31)
    assert rotate(access).run().disabled == (1,)


def test_a_token_refreshed_while_its_record_is_sealed_anew_is_kept(access):
    channel_id = access.connected()
    rotate(access).add_version()
    record = f"grants/{channel_id}"

    class Refreshing(Vault):
        def open(self, sealed, *, record, field):
            secret = super().open(sealed, record=record, field=field)
            if field == "access_token":
                fresh = access.vault.seal(Secret("fresh"), record=record, field=field)
                access.client.document(record).update({field: fresh})
            return secret

    vault = Refreshing(access.keyring, access.simulator.clock)
    Rotation(access.client, vault, access.keyring, access.simulator.clock).run()
    stored = access.stored("grants")[channel_id]["access_token"]
    assert access.vault.open(stored, record=record, field="access_token") == Secret("fresh")


def test_a_version_added_while_a_run_begins_takes_no_key_from_the_instances_that_still_seal_with_the_last(access):
    access.connected()
    settle(access)
    instance = Vault(access.keyring, access.simulator.clock)
    instance.current_version()

    class AddedMeanwhile:
        def enabled(self):
            found = access.keyring.enabled()
            access.keyring.add()
            return found

        def disable(self, number):
            access.keyring.disable(number)

    progress = Rotation(access.client, access.vault, AddedMeanwhile(), access.simulator.clock).run()
    assert (progress.current, progress.disabled) == (2, ())
    sealed = instance.seal(Secret("t"), record="grants/g", field="access_token")
    assert access.vault.open(sealed, record="grants/g", field="access_token") == Secret("t")


def test_an_instance_that_slept_through_a_rotation_goes_on_working(access):
    channel_id = access.connected()
    sleeper = Vault(access.keyring, access.simulator.clock)
    sleeper.current_version()
    rotate(access).add_version()
    rotate(access).run()
    stored = access.stored("grants")[channel_id]["access_token"]
    assert stored["v"] == 2
    assert sleeper.open(stored, record=f"grants/{channel_id}", field="access_token")


def test_a_notice_delivered_twice_rotates_once(access):
    access.connected()
    asked_at = access.keyring.enabled()[-1].created_at + timedelta(milliseconds=1)
    assert rotate(access).add_version(asked_at=asked_at) == 2
    assert rotate(access).add_version(asked_at=asked_at) is None


def test_a_value_sealed_deep_inside_a_record_is_sealed_anew_too(access):
    record, field = "operations/o1", "upload.session"
    session = access.vault.seal(Secret("https://upload"), record=record, field=field)
    access.client.document(record).set({"upload": {"bytes": 7, "session": session}})
    rotate(access).add_version()
    assert rotate(access).run().resealed == 1
    stored = access.stored("operations")["o1"]["upload"]
    assert (stored["bytes"], stored["session"]["v"]) == (7, 2)
    assert access.vault.open(stored["session"], record=record, field=field) == Secret("https://upload")


def test_keys_are_32_random_bytes(access):
    access.keyring.add()
    number, key = access.keyring.newest()
    assert len(key) == 32
    assert access.keyring.version(number) == key
