import pytest

from infra.local.cloud_emulator import names
from infra.local.cloud_emulator.refusal import Refused

QUEUE = "projects/p/locations/us-central1/queues/collect"


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (names.QUEUE, QUEUE),
        (names.QUEUE, "projects/example.com:p/locations/us-central1/queues/" + "q" * 100),
        (names.TASK, f"{QUEUE}/tasks/a_B-9"),
        (names.TASK, f"{QUEUE}/tasks/{'t' * 500}"),
        (names.SECRET, "projects/p/secrets/a_B-9"),
        (names.VERSION, "projects/p/secrets/s/versions/12"),
        (names.VERSION, "projects/p/secrets/s/versions/latest"),
        (names.SECRET_ID, "s" * 255),
    ],
)
def test_a_name_within_alphabet_and_length_is_accepted(shape, name):
    assert shape.match(name, field="name")


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (names.QUEUE, ""),
        (names.QUEUE, "collect"),
        (names.QUEUE, "projects/p/locations/us-central1/queues/with_underscore"),
        (names.QUEUE, "projects/p/locations/us-central1/queues/" + "q" * 101),
        (names.QUEUE, f"{QUEUE}/tasks/t"),
        (names.QUEUE, f"{QUEUE}\n"),
        (names.TASK, f"{QUEUE}/tasks/"),
        (names.TASK, f"{QUEUE}/tasks/with.dot"),
        (names.TASK, f"{QUEUE}/tasks/with space"),
        (names.TASK, f"{QUEUE}/tasks/ünicode"),
        (names.TASK, f"{QUEUE}/tasks/{'t' * 501}"),
        (names.TASK, f"{QUEUE}/tasks/a/b"),
        (names.SECRET_ID, "s" * 256),
        (names.SECRET_ID, "a.b"),
        (names.SECRET, "projects/p/locations/us-central1/secrets/s"),
        (names.VERSION, "projects/p/secrets/s/versions/0"),
        (names.VERSION, "projects/p/secrets/s/versions/-1"),
    ],
)
def test_a_name_outside_alphabet_or_length_is_refused(shape, name):
    with pytest.raises(Refused) as refused:
        shape.match(name, field="name")
    assert refused.value.code.name == "INVALID_ARGUMENT"
