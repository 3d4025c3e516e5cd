"""Handlers of the image service: create, register, jobs, reads, lists, delete, quota.

Each turns a request into one call of the state and the result into the documented
body; every rule is in the state.
"""

from __future__ import annotations

from urllib.parse import urlencode

from batch_register.simulator import catalogue
from batch_register.simulator.calls import Call, Route, route
from batch_register.simulator.codes import Img
from batch_register.simulator.jobs import Job, job_document, progress_document
from batch_register.simulator.patching import apply_patch, read_patch
from batch_register.simulator.queries import Page, images_json, list_images
from batch_register.simulator.refusals import (
    Reply,
    answer,
    dumps,
    gateway,
    ims,
    nothing,
)
from batch_register.simulator.state import CloudState

_QUOTA_MAX = 1000
_STATUSES = ["queued", "saving", "active", "killed", "deleted", "pending_delete"]
_UUID_PATTERN = (
    "^([0-9a-f]){8}-([0-9a-f]){4}-([0-9a-f]){4}-([0-9a-f]){4}-([0-9a-f]){12}$"
)


def image_routes(state: CloudState) -> list[Route]:
    """Return the routes of images and jobs."""
    api = _ImageApi(state)
    jobs, register = "/v1/{project_id}/jobs", "/v1/cloudimages/{image_id}/upload"
    routes = [
        route("image.create", "POST /v2/images", api.create),
        route("image.list", "GET /v2/images", api.list_native),
        route("image.show", "GET /v2/images/{image_id}", api.show),
        route("image.delete", "DELETE /v2/images/{image_id}", api.delete),
        route("image.patch", "PATCH /v2/images/{image_id}", api.patch),
        route("image.register", f"PUT {register}", api.register),
        route("cloudimage.list", "GET /v2/cloudimages", api.list_extension),
        route("cloudimage.patch", "PATCH /v2/cloudimages/{image_id}", api.patch_active),
        route("job.show", f"GET {jobs}/{{job_id}}", api.job),
        route("quota.show", "GET /v1/cloudimages/quota", api.quota),
        route("os_version.list", "GET /v1/cloudimages/os_version", api.os_versions),
        route("schema.image", "GET /v2/schemas/image", api.image_schema),
        route("schema.images", "GET /v2/schemas/images", api.images_schema),
    ]
    if state.options.cloud.progress_route:
        path = "GET /v1/cloudimages/job/{job_id}"
        routes.append(route("job.progress", path, api.progress))
    return routes


class _ImageApi:
    def __init__(self, state: CloudState) -> None:
        self._state = state
        self._options = state.options

    def create(self, call: Call) -> Reply:
        image = self._state.create(call.document(), call.now_s)
        path = f"/v2/images/{image.id}"
        headers = {"Location": call.base_url + path}
        return Reply(
            status=201,
            body=image.document_json().encode(),
            headers=headers if self._options.location_header else {},
        )

    def register(self, call: Call) -> Reply:
        document = call.document()
        job = self._state.register(call.params["image_id"], document, call.now_s)
        blank = " " if self._options.job_id_blank else ""
        return answer({"job_id": blank + job.id})

    def show(self, call: Call) -> Reply:
        image = self._state.find_image(call.params["image_id"], call.now_s)
        return Reply(status=200, body=image.document_json().encode())

    def delete(self, call: Call) -> Reply:
        self._state.delete(call.params["image_id"], call.now_s)
        return nothing()

    def patch(self, call: Call) -> Reply:
        image = self._state.find_image(call.params["image_id"], call.now_s)
        changes = read_patch(call.json())
        chinese = self._options.cloud.chinese_names
        apply_patch(image, changes, chinese_names=chinese, now_s=self._state.now_s)
        return Reply(status=200, body=image.document_json().encode())

    def patch_active(self, call: Call) -> Reply:
        image = self._state.find_image(call.params["image_id"], call.now_s)
        if image.status != "active":
            raise ims(Img.NOT_AVAILABLE, "Only active images can be changed.")
        return self.patch(call)

    def job(self, call: Call) -> Reply:
        job = self._find_job(call)
        document = job_document(job, self._state.job_form, self._state.now_s)
        return answer(document)

    def progress(self, call: Call) -> Reply:
        job = self._find_job(call)
        document = progress_document(job, self._state.job_form, self._state.now_s)
        return answer(document)

    def list_native(self, call: Call) -> Reply:
        self._state.advance(call.now_s)
        page = list_images(self._state, "native", call.query)
        links = _links(call, page)
        body = dumps({**links, "schema": "/v2/schemas/images"})
        images = images_json(page.images).encode()
        return Reply(status=200, body=body[:-1] + b',"images":' + images + b"}")

    def list_extension(self, call: Call) -> Reply:
        self._state.advance(call.now_s)
        page = list_images(self._state, "extension", call.query)
        tail = b"}"
        if self._options.page_info:
            marker = page.next_marker
            info = {"next_marker": marker} if marker else {}
            tail = b',"page_info":' + dumps(info) + b"}"
        images = images_json(page.images).encode()
        return Reply(status=200, body=b'{"images":' + images + tail)

    def quota(self, call: Call) -> Reply:
        self._state.advance(call.now_s)
        used = self._state.tally.existing
        quota = self._options.image_quota
        resources = [
            _quota_line("image", used, quota),
            _quota_line("image_shared", 0, quota),
            _quota_line("image_member", 0, quota),
        ]
        return answer({"quotas": {"resources": resources}})

    def os_versions(self, _call: Call) -> Reply:
        return answer(catalogue.document())

    def image_schema(self, _call: Call) -> Reply:
        return answer(_image_schema())

    def images_schema(self, _call: Call) -> Reply:
        images = {"type": "array", "items": _image_schema()}
        return answer({"name": "images", "properties": {"images": images}})

    def _find_job(self, call: Call) -> Job:
        job_id = call.params["job_id"]
        if job_id != job_id.strip():
            # Some pages show a blank before the id: who did not strip it ends here.
            code = f"{self._options.gateway_prefix}.0101"
            raise gateway(404, code, "The API does not exist.")
        return self._state.find_job(job_id, call.now_s)


def _links(call: Call, page: Page) -> dict[str, str]:
    kept = [(k, v) for k, v in call.query if k not in {"marker", "limit"}]
    first = [*kept, ("limit", str(page.limit))]
    links = {"first": f"/v2/images?{urlencode(first)}"}
    if page.next_marker is not None:
        following = [*kept, ("marker", page.next_marker), ("limit", str(page.limit))]
        links["next"] = f"/v2/images?{urlencode(following)}"
    return links


def _quota_line(kind: str, used: int, quota: int) -> dict[str, object]:
    line: dict[str, object] = {"type": kind, "used": used, "quota": quota}
    return {**line, "min": 1, "max": max(_QUOTA_MAX, quota)}


def _image_schema() -> dict[str, object]:
    text = {"type": "string", "maxLength": 255}
    return {
        "name": "image",
        "properties": {
            "id": {"type": "string", "pattern": _UUID_PATTERN},
            "name": text,
            "status": {"type": "string", "enum": _STATUSES},
            "visibility": {"type": "string", "enum": ["public", "private"]},
            "tags": {"type": "array", "items": text},
        },
        "additionalProperties": {"type": "string"},
    }
