"""The official SDK drives the simulator with AK/SK signatures that it verifies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkims.v2 import (
    GlanceCreateImageMetadataRequest,
    GlanceCreateImageMetadataRequestBody,
    GlanceDeleteImageRequest,
    ImsClient,
    ListImagesRequest,
    ListImageTagsRequest,
    ListOsVersionsRequest,
    RegisterImageRequest,
    RegisterImageRequestBody,
    ShowImageQuotaRequest,
    ShowJobProgressRequest,
    ShowJobRequest,
)

from batch_register.simulator import (
    AccessKey,
    Simulator,
    SimulatorOptions,
    StoredObject,
)

pytestmark = [pytest.mark.peer]

SOURCE = "migration:waves/01/web-01.qcow2"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The SDK writes an application id below the home directory.
    monkeypatch.setenv("HOME", str(tmp_path))


def _client(simulator: Simulator, secret: str | None = None) -> Any:
    key = simulator.options.access_keys[0]
    credentials = BasicCredentials(
        key.access, secret or key.secret, simulator.options.project_id
    )
    builder = ImsClient.new_builder().with_credentials(credentials)
    return builder.with_endpoints([simulator.url]).build()


async def _ask(call: Callable[[Any], Any], request: Any) -> Any:
    return await asyncio.to_thread(call, request)


def _create() -> Any:
    return GlanceCreateImageMetadataRequest(
        body=GlanceCreateImageMetadataRequestBody(
            name="web-01",
            os_version="Ubuntu 22.04 server 64bit",
            min_disk=40,
            tags=["batch=nightly", "src=web-01_qcow2"],
        )
    )


def _register(image_id: str) -> Any:
    body = RegisterImageRequestBody(image_url=SOURCE)
    return RegisterImageRequest(image_id=image_id, body=body)


# Huawei Cloud prefers the progress call; the other clouds have only this one.
@pytest.mark.filterwarnings("ignore:Method 'show_job' of ImsClient is deprecated")
async def test_registers_an_image_from_beginning_to_end() -> None:
    """Create, register, both job calls, list by tag, quota, delete."""
    async with Simulator(SimulatorOptions(profile="huawei")) as simulator:
        simulator.furnish([StoredObject(image_url=SOURCE, size_bytes=5 << 30)])
        client = _client(simulator)
        image = await _ask(client.glance_create_image_metadata, _create())
        assert (image.status, image.name) == ("queued", "web-01")
        started = await _ask(client.register_image, _register(image.id))

        simulator.clock.advance(10)
        shown = await _ask(client.show_job, ShowJobRequest(job_id=started.job_id))
        assert (shown.status, shown.job_type) == ("RUNNING", "imsNativeImportImageJob")
        request = ShowJobProgressRequest(job_id=started.job_id)
        progress = await _ask(client.show_job_progress, request)
        assert progress.entities.current_task == "ImportImageTask:"
        assert 0 < progress.entities.process_percent < 1

        simulator.clock.advance(700)
        progress = await _ask(client.show_job_progress, request)
        assert (progress.status, progress.entities.process_percent) == ("SUCCESS", 1)
        request = ListImagesRequest(imagetype="private", tag="batch=nightly", limit=5)
        listed = await _ask(client.list_images, request)
        found = [(i.id, i.status, i.image_size) for i in listed.images]
        assert found == [(image.id, "active", str(5 << 30))]

        quota = await _ask(client.show_image_quota, ShowImageQuotaRequest())
        first = quota.quotas.resources[0]
        assert (first.type, first.used, first.quota) == ("image", 1, 100)
        deleted = await _ask(
            client.glance_delete_image, GlanceDeleteImageRequest(image_id=image.id)
        )
        assert deleted.status_code == 204
        assert simulator.audit.by_status == {200: 6, 201: 1, 204: 1}


async def test_reads_tags_and_operating_systems() -> None:
    """The shapes of the smaller calls fit the SDK's models."""
    async with Simulator() as simulator:
        client = _client(simulator)
        image = await _ask(client.glance_create_image_metadata, _create())
        tags = await _ask(
            client.list_image_tags, ListImageTagsRequest(image_id=image.id)
        )
        pairs = [(tag.key, tag.value) for tag in tags.tags]
        assert pairs == [("batch", "nightly"), ("src", "web-01_qcow2")]
        systems = await _ask(client.list_os_versions, ListOsVersionsRequest())
        bits = {v.os_bit for platform in systems.body for v in platform.version_list}
        assert bits == {32, 64}


async def test_temporary_keys_need_their_security_token() -> None:
    """The SDK signs the token's header, and the simulator asks for it."""
    key = AccessKey(
        access="AKTEMPORARY000000001", secret="made-up", security_token="made-up-token"
    )
    async with Simulator(SimulatorOptions(access_keys=(key,))) as simulator:
        credentials = BasicCredentials(
            key.access, key.secret, simulator.options.project_id
        )
        builder = ImsClient.new_builder().with_endpoints([simulator.url])
        client = builder.with_credentials(credentials).build()
        with pytest.raises(ClientRequestException) as caught:
            await _ask(client.show_image_quota, ShowImageQuotaRequest())
        assert caught.value.status_code == 401
        credentials.with_security_token(key.security_token)
        quota = await _ask(client.show_image_quota, ShowImageQuotaRequest())
        assert quota.quotas.resources[0].used == 0


async def test_a_wrong_secret_is_refused() -> None:
    """The gateway's body reaches the caller as code and text."""
    async with Simulator() as simulator:
        client = _client(simulator, secret="wrong")
        with pytest.raises(ClientRequestException) as caught:
            await _ask(client.show_image_quota, ShowImageQuotaRequest())
        assert caught.value.status_code == 401
        assert caught.value.error_code == "APIGW.0301"
        assert "verify aksk signature fail" in caught.value.error_msg


async def test_an_unknown_source_is_told_by_code() -> None:
    """An IMG error of the register call arrives as such."""
    async with Simulator() as simulator:
        client = _client(simulator)
        image = await _ask(client.glance_create_image_metadata, _create())
        with pytest.raises(ClientRequestException) as caught:
            await _ask(client.register_image, _register(image.id))
        assert (caught.value.status_code, caught.value.error_code) == (400, "IMG.0069")


async def test_the_project_is_looked_up_by_name() -> None:
    """Without a project id the SDK asks IAM for the region's project first."""
    async with Simulator() as simulator:
        key = simulator.options.access_keys[0]
        credentials = BasicCredentials(key.access, key.secret)
        credentials.with_iam_endpoint(simulator.url)
        region = Region(simulator.options.region, simulator.url)

        def build() -> Any:
            builder = ImsClient.new_builder().with_credentials(credentials)
            return builder.with_region(region).build()

        client = await asyncio.to_thread(build)
        quota = await _ask(client.show_image_quota, ShowImageQuotaRequest())
        assert quota.quotas.resources[0].used == 0
        assert simulator.audit.by_route["project.list"] == 1
