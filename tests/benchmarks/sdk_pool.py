"""The usual way: the official SDK in a pool of threads, each image followed by polling.

    python -m tests.benchmarks.sdk_pool URL FIRST COUNT THREADS POLL_INTERVAL_S

A process of its own, so that what it takes can be measured from outside. It has no
ledger, no throttling and no recovery: it is what a careful script of an afternoon does.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkims.v2 import (
    GlanceCreateImageMetadataRequest,
    GlanceCreateImageMetadataRequestBody,
    ImsClient,
    RegisterImageRequest,
    RegisterImageRequestBody,
    ShowJobRequest,
)

from batch_register.simulator import SimulatorOptions


def client_of(url: str) -> Any:
    options = SimulatorOptions()
    key = options.access_keys[0]
    credentials = BasicCredentials(key.access, key.secret, options.project_id)
    builder = ImsClient.new_builder().with_credentials(credentials)
    return builder.with_endpoints([url]).build()


def register(client: Any, number: int, poll_interval_s: float) -> str:
    """Take one image from its metadata to the end of its job; return how it ended."""
    name = f"web-{number}"
    metadata = GlanceCreateImageMetadataRequestBody(
        name=name,
        os_version="Ubuntu 22.04 server 64bit",
        min_disk=40,
        tags=["batch=sdk", f"entry={name}"],
    )
    request = GlanceCreateImageMetadataRequest(body=metadata)
    image_id = client.glance_create_image_metadata(request).id
    source = RegisterImageRequestBody(image_url=f"bucket-1:{name}.qcow2")
    asked = RegisterImageRequest(image_id=image_id, body=source)
    job_id = client.register_image(asked).job_id
    while True:
        time.sleep(poll_interval_s)
        status: str = client.show_job(ShowJobRequest(job_id=job_id)).status
        if status in ("SUCCESS", "FAIL"):
            return status


def main() -> int:
    url, first, count, threads, poll_interval_s = sys.argv[1:]
    client = client_of(url)
    numbers = range(int(first), int(first) + int(count))
    with ThreadPoolExecutor(int(threads)) as pool:
        ends = list(
            pool.map(lambda n: register(client, n, float(poll_interval_s)), numbers)
        )
    return 0 if set(ends) == {"SUCCESS"} else 3


if __name__ == "__main__":
    sys.exit(main())
