"""Each cloud's limits, and what is said of a spec that breaks them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.errors import SettingsError
from batch_register.ims.profile import (
    FLEXIBLE_ENGINE,
    GENERIC,
    HUAWEI,
    OPENSTACK,
    OTC,
    PROFILES,
    Endpoints,
    JobCall,
    check_spec,
    profile_for,
    source_problem,
)
from tests.ims.scripted import SPEC


@pytest.mark.parametrize(
    ("host", "profile"),
    [
        ("ims.eu-de.otc.t-systems.com", OTC),
        ("ims.eu-ch2.sc.otc.t-systems.com", OTC),
        ("IMS.EU-DE.OTC.T-SYSTEMS.COM:443", OTC),
        ("ims.cn-north-4.myhuaweicloud.com.", HUAWEI),
        ("ims.eu-west-101.myhuaweicloud.eu", HUAWEI),
        ("ims.eu-west-0.prod-cloud-ocb.orange-business.com", FLEXIBLE_ENGINE),
        ("ims.example.com", GENERIC),
        ("notmyhuaweicloud.com", GENERIC),
        ("myhuaweicloud.com.example.org", GENERIC),
        ("127.0.0.1:8080", GENERIC),
        ("", GENERIC),
    ],
)
def test_the_host_tells_the_cloud_where_no_profile_is_named(host, profile):
    assert profile_for(host, None) is profile


@pytest.mark.parametrize("name", PROFILES)
def test_a_named_profile_wins_over_the_host(name):
    assert profile_for("ims.eu-de.otc.t-systems.com", name).name == name


def test_a_profile_that_nobody_knows_is_an_error_that_names_those_there_are():
    with pytest.raises(SettingsError) as caught:
        profile_for("ims.example.com", "aws")
    assert (caught.value.message, caught.value.hint) == (
        "ims_profile 'aws' is not known",
        "use one of: huawei, otc, flexibleengine, openstack, generic",
    )


@pytest.mark.parametrize(
    ("profile", "region", "endpoints"),
    [
        (
            HUAWEI,
            "ap-southeast-3",
            Endpoints(
                image="https://ims.ap-southeast-3.myhuaweicloud.com",
                identity="https://iam.ap-southeast-3.myhuaweicloud.com/v3",
                objects="https://obs.ap-southeast-3.myhuaweicloud.com",
            ),
        ),
        (
            HUAWEI,
            "eu-west-101",
            Endpoints(
                image="https://ims.eu-west-101.myhuaweicloud.eu",
                identity="https://iam.eu-west-101.myhuaweicloud.eu/v3",
                objects="https://obs.eu-west-101.myhuaweicloud.eu",
            ),
        ),
        (
            OTC,
            "eu-nl",
            Endpoints(
                image="https://ims.eu-nl.otc.t-systems.com",
                identity="https://iam.eu-nl.otc.t-systems.com/v3",
                objects="https://obs.eu-nl.otc.t-systems.com",
            ),
        ),
        (
            OTC,
            "eu-ch2",
            Endpoints(
                image="https://ims.eu-ch2.sc.otc.t-systems.com",
                identity=None,
                objects="https://obs.eu-ch2.sc.otc.t-systems.com",
            ),
        ),
        (
            FLEXIBLE_ENGINE,
            "eu-west-0",
            Endpoints(
                image="https://ims.eu-west-0.prod-cloud-ocb.orange-business.com",
                identity="https://iam.eu-west-0.prod-cloud-ocb.orange-business.com/v3",
                objects="https://oss.eu-west-0.prod-cloud-ocb.orange-business.com",
            ),
        ),
        (OTC, "eu-west-0", None),
        (GENERIC, "eu-de", None),
    ],
)
def test_default_addresses_of_a_region(profile, region, endpoints):
    assert profile.endpoints(region) == endpoints


def test_the_other_job_call_of_each():
    assert [call.other for call in JobCall] == [JobCall.PROJECT, JobCall.PROGRESS]


WITH_BUCKETS = [profile for profile in PROFILES.values() if profile is not OPENSTACK]


def test_without_assumptions_only_what_a_page_states_is_refused():
    small = replace(SPEC, min_disk_gb=1, disk_format="vmdk")
    assert len(check_spec(small, FLEXIBLE_ENGINE)) == 2
    assert check_spec(small, FLEXIBLE_ENGINE.without_assumptions()) == []
    vast = replace(small, min_disk_gb=2000)
    assert len(check_spec(vast, FLEXIBLE_ENGINE.without_assumptions())) == 1
    assert check_spec(vast, GENERIC.without_assumptions()) == []


def test_a_profile_that_rests_on_pages_alone_stays_as_it_is():
    assert OTC.without_assumptions() == OTC


@pytest.mark.parametrize("profile", WITH_BUCKETS, ids=lambda each: each.name)
def test_a_disk_size_that_is_made_to_fit_is_not_judged(profile):
    assert (
        check_spec(replace(SPEC, min_disk_gb=0, min_disk_is_auto=True), profile) == []
    )


WEB_SPEC = replace(
    SPEC,
    image_url="https://files.example.com/web-01.vmdk",
    os_version="",
    min_disk_gb=0,
    disk_format="vmdk",
)


@pytest.mark.parametrize("profile", WITH_BUCKETS, ids=lambda each: each.name)
def test_a_plain_spec_suits_every_cloud_with_buckets(profile):
    assert check_spec(SPEC, profile) == []


def test_a_file_in_the_web_suits_plain_openstack():
    assert check_spec(WEB_SPEC, OPENSTACK) == []


@pytest.mark.parametrize("profile", WITH_BUCKETS, ids=lambda each: each.name)
def test_a_file_in_the_web_suits_no_cloud_with_buckets(profile):
    assert source_problem(WEB_SPEC, profile) == (
        f"source_url: the {profile.name} profile takes files from buckets only; copy "
        "the file to a bucket, and name it with `bucket` and `object`, or set "
        "ims_profile: openstack if that is what the cloud is"
    )


def test_an_object_in_a_bucket_does_not_suit_plain_openstack():
    assert check_spec(SPEC, OPENSTACK) == [
        "'wave-07:disks/web-01.qcow2' is an object in a bucket: the openstack profile "
        "has no buckets; give `source_url`, an http or https address of the file"
    ]


WINDOWS = "Windows Server 2016 Standard 64bit"
NAME_RULE = (
    "takes 1 to 128 letters, digits, blanks and - . _, without a blank at either end"
)


@pytest.mark.parametrize(
    ("profile", "change", "problems"),
    [
        (HUAWEI, {"min_disk_gb": 10}, []),
        (
            HUAWEI,
            {"min_disk_gb": 9},
            [
                "min_disk 9: the huawei profile takes 10 to 1024 GB for "
                "'Ubuntu 22.04 server 64bit'"
            ],
        ),
        (
            HUAWEI,
            {"min_disk_gb": 19, "os_version": WINDOWS},
            [
                f"min_disk 19: the huawei profile takes 20 to 1024 GB for '{WINDOWS}'",
                f"os_version '{WINDOWS}': the huawei profile takes no Windows metadata",
            ],
        ),
        (OTC, {"min_disk_gb": 1, "os_version": WINDOWS}, []),
        (
            OTC,
            {"min_disk_gb": 1025},
            [
                "min_disk 1025: the otc profile takes 1 to 1024 GB for "
                "'Ubuntu 22.04 server 64bit'"
            ],
        ),
        (
            GENERIC,
            {"min_disk_gb": 39},
            [
                "min_disk 39: the generic profile takes 40 to 1024 GB for "
                "'Ubuntu 22.04 server 64bit'"
            ],
        ),
        (FLEXIBLE_ENGINE, {"disk_format": "zvhd"}, []),
        (
            OTC,
            {"disk_format": "vmdk"},
            [
                "disk_format 'vmdk': the otc profile takes qcow2, raw, vhd, zvhd2",
            ],
        ),
        (HUAWEI, {"image_url": "b:cd.iso", "disk_format": "iso"}, []),
        (
            OTC,
            {"image_url": "b:cd.ISO"},
            ["image_url 'b:cd.ISO': the otc profile does not register ISO files"],
        ),
        (HUAWEI, {"name": "服务器 1"}, []),
        (OTC, {"name": "服务器"}, [f"name '服务器': the otc profile {NAME_RULE}"]),
        (HUAWEI, {"name": " a"}, [f"name ' a': the huawei profile {NAME_RULE}"]),
        (OTC, {"name": "a b.c-d_e"}, []),
        (OTC, {"name": "a" * 128}, []),
        (
            OTC,
            {"name": "a" * 129},
            [f"name '{'a' * 129}': the otc profile {NAME_RULE}"],
        ),
        (OTC, {"name": "a\n"}, [f"name 'a\\n': the otc profile {NAME_RULE}"]),
        (OTC, {"name": ""}, [f"name '': the otc profile {NAME_RULE}"]),
    ],
)
def test_what_a_cloud_would_refuse_is_said_beforehand(profile, change, problems):
    assert check_spec(replace(SPEC, **change), profile) == problems
