"""The shape of a manifest, version 1, for pydantic.

Decides: which fields exist and what they hold. Must not know: YAML, places in a file,
how a problem is worded, what an editor shows (`editor_schema`).
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, Required

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from batch_register.manifest import rules
from batch_register.manifest.value_types import (
    ImageName,
    LabelKey,
    LabelValue,
    MinDisk,
    TagKey,
    TagValue,
    extra,
    key_shape,
    matching,
)

_STRICT = ConfigDict(strict=True, extra="forbid")


@with_config(_STRICT)
class ImageFields(TypedDict, total=False):
    """Fields that every image takes from here where it does not set its own."""

    image_url: Annotated[
        str,
        matching(rules.IMAGE_URL_PATTERN),
        Field(
            description='The source file as "<bucket>:<object>", instead of `bucket` and `object`.',
            examples=["migration-wave-07:disks/web-01.qcow2"],
            max_length=63 + 1 + rules.MAX_OBJECT,
            json_schema_extra=extra("image_url", rules.IMAGE_URL_PATTERN),
        ),
    ]
    bucket: Annotated[
        str,
        matching(rules.BUCKET_PATTERN),
        Field(
            description="The bucket that holds the source file, in the cloud's own region.",
            examples=["migration-wave-07"],
            json_schema_extra=extra("bucket", rules.BUCKET_PATTERN),
        ),
    ]
    object: Annotated[
        str,
        matching(rules.OBJECT_PATTERN),
        Field(
            description="The source file's object key in `bucket`.",
            examples=["disks/web-01.qcow2"],
            max_length=rules.MAX_OBJECT,
            json_schema_extra=extra("object", rules.OBJECT_PATTERN),
        ),
    ]
    source_url: Annotated[
        str,
        matching(rules.SOURCE_URL_PATTERN),
        Field(
            description="Plain OpenStack only, instead of `bucket` and `object`: the "
            "http or https address that the cloud itself fetches the source file from.",
            examples=["https://files.example.com/disks/web-01.qcow2"],
            max_length=rules.MAX_URL,
            json_schema_extra=extra("source_url", rules.SOURCE_URL_PATTERN),
        ),
    ]
    os_version: Annotated[
        str,
        Field(
            description="The operating system, exactly as the cloud's catalogue spells it. "
            "Every image needs one, its own or from the defaults; with `source_url` it "
            "may be left out.",
            examples=[
                "Ubuntu 22.04 server 64bit",
                "Windows Server 2016 Standard 64bit",
            ],
            pattern=rules.TEXT_PATTERN,
            max_length=rules.MAX_TEXT,
            json_schema_extra=extra("os_version"),
        ),
    ]
    min_disk: Annotated[
        MinDisk,
        Field(
            description="Smallest system disk in GB, at least the disk's virtual size; "
            '"auto" takes it from the source file\'s header. Every image needs one, its '
            "own or from the defaults; with `source_url` it may be left out.",
            examples=[40, rules.AUTO],
        ),
    ]
    min_ram: Annotated[
        int,
        Field(
            description="Smallest memory in MB; 0, or left out, asks for none.",
            examples=[4096],
            ge=0,
            le=rules.MAX_INTEGER,
        ),
    ]
    disk_format: Annotated[
        Literal[
            "zvhd2",
            "vhd",
            "zvhd",
            "raw",
            "qcow2",
            "iso",
            "vmdk",
            "vhdx",
            "vdi",
            "ploop",
        ],
        Field(
            description="The format that the cloud keeps the image in, not the source "
            "file's; left out, the cloud decides. With `source_url` it is the file's "
            "own, and has to be given.",
            examples=["zvhd2"],
        ),
    ]
    protected: Annotated[
        bool,
        Field(
            description="Whether the cloud refuses to delete the image; left out, it does not.",
            examples=[True],
        ),
    ]
    tags: Annotated[
        dict[TagKey, TagValue],
        Field(
            description="Tags of the image in the cloud, beside our own three; merged "
            "key by key with the defaults.",
            examples=[{"team": "db"}],
            max_length=rules.MAX_TAGS,
            json_schema_extra={
                "propertyNames": key_shape("tags key", rules.TAG_KEY_PATTERN)
            },
        ),
    ]
    labels: Annotated[
        dict[LabelKey, LabelValue],
        Field(
            description="Notes for the report only, never sent to the cloud; merged key "
            "by key with the defaults.",
            examples=[{"owner": "team-db", "ticket": "MIG-231"}],
            max_length=rules.MAX_LABELS,
            json_schema_extra={
                "propertyNames": {
                    **key_shape("labels key", rules.TEXT_PATTERN),
                    "maxLength": rules.MAX_LABEL_KEY,
                }
            },
        ),
    ]
    priority: Annotated[
        int,
        Field(
            description="Images with a higher priority go first; left out, it is 0.",
            examples=[10],
            ge=-rules.MAX_INTEGER,
            le=rules.MAX_INTEGER,
        ),
    ]
    source_host: Annotated[
        str,
        Field(
            description="The host of the Dask workers that read `source`; left out, any "
            "worker does.",
            examples=["storage-01"],
            pattern=rules.WORKER_PATTERN,
            json_schema_extra=extra("source_host"),
        ),
    ]
    source_resource: Annotated[
        str,
        Field(
            description="The resource of the Dask workers that read `source`; left out, "
            "any worker does.",
            examples=["san-a"],
            pattern=rules.WORKER_PATTERN,
            json_schema_extra=extra("source_resource"),
        ),
    ]
    size_bytes: Annotated[
        int,
        Field(
            description="The source file's size in bytes, a hint for the order: large "
            "ones go first.",
            examples=[8589934592],
            ge=1,
            le=rules.MAX_SIZE_BYTES,
        ),
    ]


@with_config(_STRICT)
class Image(ImageFields):
    """One image; what it does not set comes from the defaults."""

    name: Required[
        Annotated[
            ImageName,
            Field(description="The image's name in the cloud.", examples=["web-01"]),
        ]
    ]
    key: NotRequired[
        Annotated[
            ImageName,
            Field(
                description="Lasting identity of this entry inside the manifest; left "
                "out, the name. Two entries never share one.",
                examples=["db-primary"],
            ),
        ]
    ]
    source: NotRequired[
        Annotated[
            str,
            matching(rules.SOURCE_PATTERN),
            Field(
                description="A local file that is uploaded to `bucket` and `object` "
                "first; a relative path begins at the manifest's folder.",
                examples=["./disks/web-01.qcow2"],
                max_length=rules.MAX_SOURCE,
                json_schema_extra=extra("source", rules.SOURCE_PATTERN),
            ),
        ]
    ]


@with_config(_STRICT)
class Head(TypedDict):
    """What a manifest says about itself."""

    version: Annotated[
        int,  # not Literal[1], which takes true and 1.0 too
        Field(
            description="Version of the manifest language; this one is 1.",
            examples=[rules.VERSION],
            ge=rules.VERSION,
            le=rules.VERSION,
        ),
    ]
    name: Annotated[
        str,
        Field(
            description="Identifies the batch over time, also in the cloud: never "
            "change it between runs of one batch.",
            examples=["wave-07"],
            pattern=rules.MANIFEST_NAME_PATTERN,
            json_schema_extra=extra("manifest name"),
        ),
    ]


@with_config(_STRICT)
class ManifestFile(Head):
    """A batch of virtual-machine images to register."""

    defaults: NotRequired[
        Annotated[
            ImageFields,
            Field(examples=[{"bucket": "migration-wave-07", "min_disk": 40}]),
        ]
    ]
    images: Annotated[
        list[Image],
        Field(
            description="The images to register, in any order; at least one.",
            examples=[[{"name": "web-01", "object": "disks/web-01.qcow2"}]],
            min_length=1,
        ),
    ]


HEAD = TypeAdapter(Head)
DEFAULTS = TypeAdapter(ImageFields)
IMAGE = TypeAdapter(Image)

HEAD_FIELDS = ("version", "name", "defaults", "images")
DEFAULTS_FIELDS = tuple(ImageFields.__annotations__)
IMAGE_FIELDS = ("name", "key", "source", *DEFAULTS_FIELDS)
