"""Uploads one file and keeps its events in a ledger of its own: what is killed.

    python -m tests.upload.carry FILE BUCKET:OBJECT --endpoint URL --ledger FILE

Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Prints JSON: first how much
the store has of the file already, then how long the upload took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from dataclasses import asdict
from pathlib import Path

from batch_register.event import Event, UploadBegun
from batch_register.identity.signing import AccessKeys
from batch_register.model import FilePlace
from batch_register.obs import FixedKeys, ObjectAccess, open_store
from batch_register.source import FileStamp, UploadMark
from batch_register.transport.tls import Tls
from batch_register.upload import Uploader, UploadOptions
from batch_register.upload.parts import PART_BYTES
from batch_register.workers.local import LocalFiles
from tests.fakes import spec


class Ledger:
    """Events of one file, each on the disk before its `note` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def note(self, event: Event) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([event.ledger_name, asdict(event)]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def mark(self) -> UploadMark | None:
        if not self._path.exists():
            return None
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        begun = [facts for name, facts in lines if name == UploadBegun.ledger_name]
        if not begun:
            return None
        facts = begun[-1]
        stamp = FileStamp(
            size_bytes=facts["size_bytes"], modified_ns=facts["modified_ns"]
        )
        return UploadMark(
            upload_id=facts["upload_id"], part_bytes=facts["part_bytes"], file=stamp
        )


class Told:
    """Prints the first figure that it is told."""

    def __init__(self) -> None:
        self._is_told = False

    def __call__(self, key: str, sent_bytes: int, total_bytes: int) -> None:
        if not self._is_told:
            print(json.dumps({"stored_bytes": sent_bytes}), flush=True)
        self._is_told = True


async def carry(words: argparse.Namespace) -> None:
    keys = AccessKeys(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    )
    access = ObjectAccess(
        endpoint=words.endpoint, region="us-east-1", keys=FixedKeys(keys)
    )
    ledger = Ledger(words.ledger)
    entry = spec(image_url=words.object, source=FilePlace(path=str(words.file)))
    options = UploadOptions(part_bytes=words.part_bytes)
    tls = Tls()
    async with (
        open_store(access, connections=8, tls=tls, trust_env=False) as store,
        LocalFiles(tls=tls, trust_env=False, threads=options.streams) as files,
    ):
        uploader = Uploader(
            store, files, options=options, rng=random.Random(), progress=Told()
        )
        began_s = time.monotonic()
        await uploader.bring(entry, ledger.mark(), ledger.note)
    print(json.dumps({"seconds": time.monotonic() - began_s}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("object", metavar="BUCKET:OBJECT")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--part-bytes", type=int, default=PART_BYTES)
    asyncio.run(carry(parser.parse_args()))


if __name__ == "__main__":
    main()
