"""Ceph's object gateway out of Debian's packages, unpacked and not installed.

One monitor, one store in memory, one gateway; all on 127.0.0.1 and below one folder. It
checks signatures, and takes storage classes by the names that OBS has. What is easy to
get wrong: the monitor ignores a store whose uuid is not the one that it was told of, the
gateway waits for ever for one that is not up, and nothing runs without keyrings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from batch_register.identity.signing import AccessKeys
from tests.environments import unpacked_whole
from tests.object_store.server import Store
from tests.stack.process import free_port
from tests.stack.rest import answers

PACKAGES = ("radosgw", "ceph-mon", "ceph-osd")
_KEYS = AccessKeys(access_key="AKOPERATOR", secret_key="operator-secret")
_CLASSES = ("WARM", "COLD")
MEMORY_BYTES = 2**30
_PATIENCE_S = 100.0  # on a busy machine; it takes a quarter of a minute
_CONFIGURATION = """[global]
fsid = {fsid}
keyring = {place}/keyring
log to file = true
log file = {place}/$name.log
mon cluster log to file = false
mon initial members = a
mon host = v2:127.0.0.1:{mon}
public network = 127.0.0.0/8
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 1000
mon allow pool size one = true
run dir = {place}
admin socket = {place}/$name.asok
pid file = {place}/$name.pid
crash dir = {place}
plugin dir = {libraries}/ceph
erasure code dir = {libraries}/ceph/erasure-code
osd class dir = {libraries}/rados-classes
[mon]
mon data = {place}/mon
[osd]
osd data = {place}/osd
osd objectstore = memstore
memstore device bytes = {memory}
osd class load list = *
osd class default list = *
[client.rgw]
rgw gc obj min wait = 1
rgw gc processor period = 2
rgw gc processor max time = 2
rgw frontends = beast endpoint=127.0.0.1:{port}
"""


class NotUpError(Exception):
    """It was got, and did not start."""


@contextmanager
def gateway(place: Path, memory_bytes: int = MEMORY_BYTES) -> Iterator[Store]:
    """Run a gateway whose data are in memory and below `place`, which is empty.

    Once its memory is full it takes no byte more and says nothing: uploads hang. What
    is deleted is free again within seconds.

    Raises:
        NotToBeHadError: the packages cannot be got here.
        NotUpError: something of it did not start.
    """
    root = unpacked_whole(*PACKAGES)
    cluster = _Cluster(root, place, memory_bytes)
    with ExitStack() as running:
        running.callback(cluster.kill)
        cluster.start()
        endpoint = f"http://127.0.0.1:{cluster.port}"
        yield Store(endpoint=endpoint, keys=_KEYS)


class _Cluster:
    def __init__(self, root: Path, place: Path, memory_bytes: int) -> None:
        self.port = free_port()
        self._place = place
        self._programs = root / "usr/bin"
        kind = f"{os.uname().machine}-linux-gnu"
        libraries = root / "usr/lib" / kind
        self._configuration = place / "ceph.conf"
        self._fsid = str(uuid.uuid4())
        self._environment = {
            **os.environ,
            "LD_LIBRARY_PATH": f"{libraries}:{libraries}/ceph:{root}/lib/{kind}",
            "PYTHONPATH": str(root / "usr/lib/python3/dist-packages"),
            "PATH": f"{self._programs}:{os.environ['PATH']}",
        }
        self._configuration.write_text(
            _CONFIGURATION.format(
                fsid=self._fsid,
                place=place,
                mon=free_port(),
                port=self.port,
                libraries=libraries,
                memory=memory_bytes,
            )
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._start_monitor()
        self._start_store()
        self._furnish()
        self._begin("radosgw", "-n", "client.rgw", "-f")
        self._wait(lambda: answers(self.port), "the gateway")

    def kill(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start_monitor(self) -> None:
        keyring = str(self._place / "keyring")
        everything = [w for part in ("mon", "osd", "mgr") for w in (part, "allow *")]
        for name, rights in (
            ("mon.", ["mon", "allow *"]),
            ("client.admin", everything),
            ("client.rgw", everything),
            ("osd.0", ["mon", "allow profile osd", "osd", "allow *"]),
        ):
            pairs = zip(rights[::2], rights[1::2], strict=True)
            caps = [word for part, cap in pairs for word in ("--cap", part, cap)]
            make = ["-C"] if name == "mon." else []
            self._run("ceph-authtool", *make, keyring, "-n", name, "--gen-key", *caps)
        words = self._configuration.read_text()
        address = words.partition("mon host = ")[2].partition("\n")[0]
        monmap = str(self._place / "monmap")
        told = ("--create", "--fsid", self._fsid, "--addv", "a", f"[{address}]")
        self._run("monmaptool", *told, monmap)
        made = ("--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._run("ceph-mon", *self._told, *made)
        self._begin("ceph-mon", "-i", "a", "-f")
        self._wait(lambda: self._asked("-s") is not None, "the monitor")

    def _start_store(self) -> None:
        own = str(uuid.uuid4())
        self._wait(lambda: self._asked("osd", "new", own, "0") is not None, "osd new")
        (self._place / "osd").mkdir()
        keyring = (self._place / "keyring").read_bytes()
        (self._place / "osd/keyring").write_bytes(keyring)
        made = ("-i", "0", "--mkfs", "--osd-uuid", own)
        self._run("ceph-osd", *self._told, *made)
        self._begin("ceph-osd", "-i", "0", "-f")
        self._wait(lambda: "1 up" in (self._asked("osd", "stat") or ""), "the store")

    def _furnish(self) -> None:
        admin = ("radosgw-admin", *self._told, "-n", "client.rgw")
        keys = (f"--access-key={_KEYS.access_key}", f"--secret-key={_KEYS.secret_key}")
        names = ("--uid=operator", "--display-name=operator")
        self._run(*admin, "user", "create", *names, *keys)
        for name in _CLASSES:
            common = ("--placement-id", "default-placement", "--storage-class", name)
            group = ("zonegroup", "placement", "add", "--rgw-zonegroup", "default")
            self._run(*admin, *group, *common)
            zone = ("zone", "placement", "add", "--rgw-zone", "default")
            pool = ("--data-pool", f"default.rgw.{name}.data")
            self._run(*admin, *zone, *common, *pool)

    @property
    def _told(self) -> tuple[str, str]:
        return ("-c", str(self._configuration))

    def _asked(self, *words: str) -> str | None:
        """Return what the monitor answers, None where it does not."""
        python = "/usr/bin/python3"  # for which Debian builds Ceph's modules
        command = [python, str(self._programs / "ceph"), *self._told, *words]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=self._environment,
                timeout=10,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        return None if done.returncode else done.stdout

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *words],
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=_PATIENCE_S,
            check=False,
        )
        if done.returncode:
            message = f"{program} {' '.join(words)}: {done.stderr[-1000:]}"
            raise NotUpError(message)

    def _begin(self, program: str, *words: str) -> None:
        with (self._place / f"{program}.out").open("wb") as log:
            process = subprocess.Popen(
                [*_MORTAL, str(self._programs / program), *self._told, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        self._processes.append(process)

    def _wait(self, is_up: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not is_up():
            ended = [p.args for p in self._processes if p.poll() is not None]
            if ended or time.monotonic() > until:
                message = f"{what} is not up; ended: {ended}"
                raise NotUpError(message)
            time.sleep(0.2)


# Ends with the test run, however that ends: Linux tells the child (prctl(2)).
_MORTAL: Sequence[str] = (
    sys.executable,
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])",
)
