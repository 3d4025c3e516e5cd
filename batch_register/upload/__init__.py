"""Files on their way into the object store."""

from __future__ import annotations

from batch_register.upload.options import UploadOptions
from batch_register.upload.uploader import Uploader

__all__ = ["UploadOptions", "Uploader"]
