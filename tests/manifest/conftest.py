from __future__ import annotations

from collections.abc import Callable

import pytest

from batch_register.errors import ManifestError, ManifestProblem
from batch_register.manifest import parse_manifest
from batch_register.model import ImageSpec, Manifest

GOOD_IMAGE = "{name: a, image_url: 'bkt:a.raw', os_version: X, min_disk: 40}"
HEAD = "version: 1\nname: w\n"


@pytest.fixture
def read() -> Callable[[str], Manifest]:
    """Return a reader of manifest text."""
    return lambda text: parse_manifest(text.encode(), path="m.yaml")


@pytest.fixture
def problems() -> Callable[[str | bytes], list[ManifestProblem]]:
    """Return a reader of bad manifests that gives what is wrong with them."""

    def refuse(content: str | bytes) -> list[ManifestProblem]:
        data = content.encode() if isinstance(content, str) else content
        with pytest.raises(ManifestError) as caught:
            parse_manifest(data, path="m.yaml")
        return list(caught.value.problems)

    return refuse


@pytest.fixture
def image(read: Callable[[str], Manifest]) -> Callable[[str], ImageSpec]:
    """Return a reader of one image, written as a YAML flow map without braces."""

    def one(fields: str) -> ImageSpec:
        base = "name: a, image_url: 'bkt:a.raw', os_version: X, min_disk: 40"
        (spec,) = read(f"{HEAD}images:\n  - {{<<: {{{base}}}, {fields}}}\n").images
        return spec

    return one


@pytest.fixture
def image_problems(
    problems: Callable[[str | bytes], list[ManifestProblem]],
) -> Callable[[str], list[str]]:
    """Return what is wrong with one image, written like `image` takes it."""

    def one(fields: str) -> list[str]:
        base = "name: a, image_url: 'bkt:a.raw', os_version: X, min_disk: 40"
        found = problems(f"{HEAD}images:\n  - {{<<: {{{base}}}, {fields}}}\n")
        return [problem.message for problem in found]

    return one
