"""What an entry of clouds.yaml replaces in its cloud's profile, and what is refused."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from batch_register.errors import SettingsError
from batch_register.ims.overrides import FIELDS, Overrides, overridden
from batch_register.ims.profile import GENERIC, OTC, JobCall, Profile

SOURCE = "cloud 'x' in clouds.yaml"


def test_nothing_told_changes_nothing() -> None:
    assert overridden(OTC, {}, source=SOURCE) == OTC


def test_every_key_replaces_its_fact() -> None:
    """Values are texts, as a clouds.yaml gives them."""
    told = {
        "job_call": "progress",
        "min_disk_linux": "5",
        "min_disk_windows": "30",
        "min_disk_most": "2048",
        "disk_formats": ["qcow2", "vmdk"],
        "takes_iso": "yes",
        "takes_windows": "false",
        "takes_chinese_names": "true",
        "takes_kms_objects": "true",
        "task_limit": "10",
    }
    assert overridden(OTC, told, source=SOURCE) == replace(
        OTC,
        job_call=JobCall.PROGRESS,
        linux_min_disk_floor_gb=5,
        windows_min_disk_floor_gb=30,
        min_disk_ceiling_gb=2048,
        disk_formats=("qcow2", "vmdk"),
        takes_iso=True,
        takes_windows=False,
        takes_chinese_names=True,
        takes_kms_objects=True,
        task_limit=10,
    )
    assert set(told) == set(FIELDS) == set(Overrides.model_fields)


def test_what_an_operator_tells_is_no_longer_assumed() -> None:
    told = {"min_disk_linux": "5", "takes_iso": "no"}
    changed = overridden(GENERIC, told, source=SOURCE)
    assert GENERIC.assumed - changed.assumed == {"linux_min_disk_floor_gb", "takes_iso"}


def test_formats_may_stand_in_one_text() -> None:
    changed = overridden(OTC, {"disk_formats": "vmdk, raw"}, source=SOURCE)
    assert changed.disk_formats == ("raw", "vmdk")


def test_every_fact_but_name_and_addresses_can_be_replaced() -> None:
    kind = {"name", "domains", "regions", "fetches_from_web"}  # another service
    own = {each.name for each in fields(Profile)} - kind
    assert own - {"assumed"} == set(FIELDS.values())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"min_disk": "40"}, "ims_profile_overrides.min_disk: is not known"),
        ({"task_limit": "0"}, "ims_profile_overrides.task_limit: "),
        ({"min_disk_linux": "forty"}, "ims_profile_overrides.min_disk_linux: "),
        ({"job_call": "both"}, "ims_profile_overrides.job_call: "),
        ({"disk_formats": []}, "ims_profile_overrides.disk_formats: "),
        ({"disk_formats": "QCOW2"}, "ims_profile_overrides.disk_formats.0: "),
        ({"takes_iso": "perhaps"}, "ims_profile_overrides.takes_iso: "),
        (
            {"min_disk_windows": "50", "min_disk_most": "20"},
            "min_disk_windows 50 is above min_disk_most 20",
        ),
    ],
)
def test_a_wrong_key_or_value_is_an_error_that_names_it(
    told: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        overridden(OTC, told, source=SOURCE)
    assert caught.value.message.startswith(f"{SOURCE}: ")
    assert words in caught.value.message
    assert "forty" not in caught.value.message
    assert caught.value.hint


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        overridden(OTC, {"a": "1", "task_limit": "x"}, source=SOURCE)
    assert ".a: " in caught.value.message
    assert ".task_limit: " in caught.value.message
