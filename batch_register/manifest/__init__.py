"""The manifest: YAML that a person wrote to the specs that a run works on."""

from __future__ import annotations

from batch_register.manifest.editor_schema import json_schema, schema_text
from batch_register.manifest.load import (
    excerpt_text,
    load_manifest,
    parse_manifest,
)
from batch_register.manifest.rendering import render_problems

__all__ = [
    "excerpt_text",
    "json_schema",
    "load_manifest",
    "parse_manifest",
    "render_problems",
    "schema_text",
]
