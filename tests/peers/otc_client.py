"""Lists images and reads a job with otcextensions; an interpreter that has it runs this.

Standard input is an entry of clouds.yaml as JSON and the service's address; standard
output what was seen, as JSON. Nothing of this project is imported here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openstack
from otcextensions import sdk

SOURCE = "migration:web-02.qcow2"


def main() -> None:
    """Do it once."""
    asked = json.load(sys.stdin)
    with openstack.connect(
        load_envvars=False, load_yaml_config=False, **asked["entry"]
    ) as connection:
        sdk.register_otc_extensions(connection)
        images = [
            (image.id, image.name, image.status)
            for image in connection.imsv2.images(limit=5)
        ]
        job = connection.imsv1.get_async_job(_started(connection, asked["url"]))
        seen = {"images": images, "job": (job.status, job.job_type)}
    json.dump(seen, sys.stdout)


def _started(connection: Any, url: str) -> str:
    """Return the id of a job; the two calls are not among those that it has."""
    fields = {
        "name": "web-02",
        "__os_version": "Ubuntu 22.04 server 64bit",
        "min_disk": 40,
    }
    made = connection.session.post(f"{url}/v2/images", json=fields)
    started = connection.session.put(
        f"{url}/v1/cloudimages/{made.json()['id']}/upload", json={"image_url": SOURCE}
    )
    return str(started.json()["job_id"])


if __name__ == "__main__":
    main()
