"""Hiding: names and UUIDs go, what they are equal to stays."""

import json

import pytest

from placement_guard.recording.hiding import Hiding, is_plain, magnitude

UUID = "4e8e5957-649f-477b-9e5b-f1f75b21c03c"
HIDE = Hiding(b"k" * 32)


def bare(text):
    return text.replace("-", "").lower()


@pytest.mark.parametrize(
    "spelling", [UUID, UUID.replace("-", ""), UUID.upper(), UUID.replace("-", "").upper()]
)
def test_a_uuid_becomes_the_same_other_one_in_every_spelling(spelling):
    hidden = HIDE.name(spelling)
    assert bare(hidden) == bare(HIDE.name(UUID)) != bare(UUID)
    assert ("-" in hidden, hidden.isupper()) == ("-" in spelling, spelling.isupper())
    assert not is_plain(hidden)


def test_a_name_is_told_from_others_but_not_known():
    hidden = HIDE.name("cyborg")
    assert hidden == HIDE.name("cyborg") != HIDE.name("nova")
    assert "cyborg" not in hidden
    assert hidden.startswith("~")
    assert HIDE.name("") == ""


def test_another_key_hides_otherwise():
    other = Hiding(b"l" * 32)
    assert other.name("cyborg") != HIDE.name("cyborg")
    assert other.name(UUID) != HIDE.name(UUID)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/reshaper", "/reshaper"),
        ("/traits/CUSTOM_A", "/traits/CUSTOM_A"),
        ("/traits/CUSTOM_A\n", "/traits/CUSTOM_A\n"),
        (f"/resource_providers/{UUID}/inventories/VCPU", "/resource_providers/?/inventories/VCPU"),
        (f"/allocations/{{{UUID}}}", "/allocations/{?}"),
        ("/", "/"),
        ("//secret", None),
        ("/allocations/instance-1", None),
    ],
)
def test_a_path_keeps_its_words_and_its_length(path, kept):
    hidden = HIDE.path(path)
    assert hidden.count("/") == path.count("/")
    if kept is None:
        assert path.rpartition("/")[2] not in hidden
    else:
        assert hidden == kept.replace("?", HIDE.name(UUID))


def test_a_query_keeps_what_asks_for_resources():
    hidden = HIDE.query(f"resources1=VCPU:1&in_tree={UUID}&name=compute-1&limit=3&Odd Key=1")
    assert hidden.startswith("resources1=VCPU:1&in_tree=")
    assert "&limit=3&" in hidden
    assert not any(text in hidden for text in (UUID, "compute-1", "Odd Key"))


def test_a_document_keeps_its_structure_and_its_classes():
    shape = HIDE.shape(
        {
            "allocations": {UUID: {"resources": {"VCPU": 5, "CUSTOM_A": 0.5}}},
            "project_id": "ADMIN",
            "user_id": None,
            "consumer_type": "INSTANCE",
            "name": "compute-1",
            "nice": True,
            "list": [UUID, -9],
        },
        names=True,
    )
    assert shape == {
        "allocations": {HIDE.name(UUID): {"resources": {"VCPU": {"~": 3}, "CUSTOM_A": {"~": 0}}}},
        "project_id": HIDE.name("ADMIN"),
        "user_id": None,
        "consumer_type": "INSTANCE",
        "name": HIDE.name("compute-1"),
        HIDE.name("nice"): True,
        HIDE.name("list"): [HIDE.name(UUID), {"~": -4}],
    }


def test_what_is_nested_too_deeply_has_no_shape():
    with pytest.raises(ValueError, match="deeply"):
        HIDE.shape(json.loads("[" * 40 + "]" * 40), names=True)


@pytest.mark.parametrize(
    ("number", "bits"), [(0, 0), (1, 1), (255, 8), (256, 9), (-1, -1), (0.9, 0), (1e400, 1024)]
)
def test_a_number_keeps_its_magnitude(number, bits):
    assert magnitude(number) == bits
