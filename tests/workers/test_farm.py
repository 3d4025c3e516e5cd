"""Files near a cluster's workers: who is asked, who is waited for, what is given up.

On virtual time, with a cluster that does its work at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import Action, FilePlace
from batch_register.transport.tls import Tls
from batch_register.workers.farm import FarmFiles
from batch_register.workers.greeting import greet
from tests.virtual_time import run_virtually
from tests.workers.conftest import DATA
from tests.workers.fake_cluster import FakeCluster, worker

ADDRESS = "http://127.0.0.1:1/b/a?X-Amz-Signature=c0ffee"
NAS = worker("nas-01")
SAN = worker("w-7", resources={"san-a": 1.0})


class Told:
    """What the farm told of the cluster, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.facts: list[dict[str, object]] = []

    def __call__(self, name: str, **facts: object) -> None:
        self.names.append(name)
        self.facts.append(facts)


def farm(
    cluster: FakeCluster, told: Told | None = None, **options: object
) -> FarmFiles:
    plain: dict[str, object] = {
        "tls": Tls(),
        "trust_env": False,
        "notice": told or Told(),
    }
    return FarmFiles(cluster, **{**plain, **options})  # type: ignore[arg-type]


async def seconds(call: Awaitable[object]) -> float:
    """Return how long a call took to be refused."""
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    with pytest.raises(ServiceError):
        await call
    return clock() - begun_s


def test_a_file_is_looked_at_read_and_hashed(disk: Path) -> None:
    place = FilePlace(path=str(disk))

    async def main() -> None:
        async with farm(FakeCluster(NAS)) as files:
            stamp = await files.stamp(place)
            assert stamp is not None
            assert stamp.size_bytes == len(DATA)
            assert await files.read(place, 0, 3) == DATA[:3]
            md5 = hashlib.md5(DATA[:3], usedforsecurity=False).hexdigest()
            assert await files.digest(place, 0, 3) == md5
            gone = FilePlace(path=str(disk.with_name("gone")))
            assert await files.stamp(gone) is None
            with pytest.raises(ServiceError) as caught:
                await files.read(gone, 0, 1)
            assert caught.value.fault.action is Action.FIX_SOURCE

    run_virtually(main())


def test_a_pinned_file_is_for_the_workers_of_its_pin(disk: Path) -> None:
    cluster = FakeCluster(NAS, SAN)

    async def main() -> None:
        async with farm(cluster) as files:
            await files.stamp(FilePlace(path=str(disk), host="nas-01"))
            await files.stamp(FilePlace(path=str(disk), resource="san-a"))
            await files.stamp(FilePlace(path=str(disk)))

    run_virtually(main())
    wishes = [wish for _, wish, _ in cluster.begun]
    assert [wish.addresses for wish in wishes] == [
        {NAS.address},
        {SAN.address},
        {NAS.address, SAN.address},
    ]
    assert [wish.resource for wish in wishes] == [None, "san-a", None]


def test_what_takes_a_moment_goes_before_the_parts(disk: Path) -> None:
    cluster, place = FakeCluster(NAS), FilePlace(path=str(disk))

    async def main() -> None:
        async with farm(cluster) as files:
            await files.stamp(place)
            await files.digest(place, 0, 1)
            with pytest.raises(ServiceError):
                await files.send(place, 0, 1, ADDRESS)

    run_virtually(main())
    looked, hashed, sent = (wish.priority for _, wish, _ in cluster.begun)
    assert looked == hashed > sent


def test_a_late_first_worker_is_waited_for_and_told(disk: Path) -> None:
    cluster, told = FakeCluster(), Told()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(40, cluster.there.append, NAS)
        async with farm(cluster, told) as files:
            assert loop.time() == 0  # a run that is told to stop must not wait here
            assert await files.stamp(FilePlace(path=str(disk))) is not None
            assert loop.time() == pytest.approx(40, abs=2)

    run_virtually(main())
    assert told.names == ["dask.waiting"]
    assert told.facts[0]["longest_s"] == 60.0


def test_a_cluster_that_stays_empty_is_given_up() -> None:
    async def main() -> None:
        async with farm(FakeCluster()) as files:
            with pytest.raises(
                ServiceError, match="the cluster has no worker"
            ) as found:
                await files.stamp(FilePlace(path="/a.raw", host="nas-01"))
            assert found.value.fault.is_passing
        assert asyncio.get_running_loop().time() == pytest.approx(60, abs=2)

    run_virtually(main())


def test_a_host_that_never_comes_costs_one_wait_however_many_files_lie_there() -> None:
    lost = FilePlace(path="/a.raw", host="nas-02")

    async def main() -> None:
        async with farm(FakeCluster(NAS)) as files:
            async with asyncio.TaskGroup() as group:
                both = [group.create_task(seconds(files.stamp(lost))) for _ in range(2)]
            assert [task.result() for task in both] == pytest.approx([60, 60], abs=2)
            assert await seconds(files.stamp(lost)) == 0

    run_virtually(main())


def test_a_host_that_comes_after_all_is_used(disk: Path) -> None:
    late = FilePlace(path=str(disk), host="nas-02")
    cluster = FakeCluster(NAS)

    async def main() -> None:
        async with farm(cluster) as files:
            assert await seconds(files.stamp(late)) > 0
            cluster.there.append(worker("nas-02"))
            await asyncio.sleep(2)
            assert await files.stamp(late) is not None

    run_virtually(main())


def test_workers_that_left_are_waited_for_and_then_pass(disk: Path) -> None:
    place = FilePlace(path=str(disk), host="nas-01")
    cluster = FakeCluster(NAS, SAN)

    async def main() -> None:
        async with farm(cluster) as files:
            await files.stamp(place)
            cluster.there.remove(NAS)
            await asyncio.sleep(2)
            with pytest.raises(ServiceError) as caught:
                await files.stamp(place)
            assert caught.value.fault.code == "dask.worker-left"
            assert caught.value.fault.is_passing

    run_virtually(main())


def test_a_task_whose_workers_are_all_gone_is_given_up(disk: Path) -> None:
    cluster = FakeCluster(NAS, SAN)

    async def main() -> None:
        async with farm(cluster) as files:
            cluster.holds_back = True
            loop = asyncio.get_running_loop()
            loop.call_later(30, cluster.there.remove, NAS)
            place = FilePlace(path=str(disk), host="nas-01")
            assert await seconds(files.stamp(place)) == pytest.approx(31, abs=2)

    run_virtually(main())
    assert all(task.is_released for task in cluster.tasks)


def test_a_cancelled_call_lets_its_task_go(disk: Path) -> None:
    cluster = FakeCluster(NAS)

    async def main() -> None:
        async with farm(cluster) as files:
            cluster.holds_back = True
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await files.stamp(FilePlace(path=str(disk)))

    run_virtually(main())
    assert [task.is_released for task in cluster.tasks] == [True]


def test_at_the_end_every_worker_ends_what_it_does_for_this_run() -> None:
    cluster = FakeCluster(NAS, SAN)

    async def main() -> None:
        async with farm(cluster):
            pass

    run_virtually(main())
    ended = [(at, args) for at, name, args in cluster.asked if name == "end_run"]
    assert {at for at, _ in ended} == {NAS.address, SAN.address}
    assert len({args for _, args in ended}) == 1


def test_a_lost_result_is_a_passing_fault(disk: Path) -> None:
    cluster = FakeCluster(NAS)
    cluster.loses_results = True

    async def main() -> None:
        async with farm(cluster) as files:
            with pytest.raises(ServiceError) as caught:
                await files.stamp(FilePlace(path=str(disk)))
            assert caught.value.fault.is_passing

    run_virtually(main())


def test_a_scheduler_that_is_gone_is_waited_for_by_all_at_once() -> None:
    cluster, place = FakeCluster(NAS), FilePlace(path="/a.raw")

    async def main() -> None:
        async with farm(cluster) as files:
            await asyncio.sleep(5)
            cluster.refuses_after_s, cluster.looks = 10.0, 0
            async with asyncio.TaskGroup() as group:
                all_ = [group.create_task(seconds(files.stamp(place))) for _ in "12345"]
            assert {task.result() for task in all_} == {10.0}
            assert cluster.looks == 1
        assert not [one for one in cluster.asked if one[1] == "end_run"]

    run_virtually(main())


def test_an_unfit_worker_is_told_and_left_out(disk: Path) -> None:
    cluster, told = FakeCluster(NAS, SAN), Told()
    cluster.answers[SAN.address] = replace(greet(), version="0.0.1")

    async def main() -> None:
        async with farm(cluster, told) as files:
            await files.stamp(FilePlace(path=str(disk)))
            pinned = FilePlace(path=str(disk), host="w-7")
            assert await seconds(files.stamp(pinned)) == 0

    run_virtually(main())
    assert told.names == ["dask.worker_unfit"]
    assert told.facts[0]["worker"] == "w-7"
    assert [wish.addresses for _, wish, _ in cluster.begun] == [{NAS.address}]


def _no_package(cluster: FakeCluster) -> None:
    cluster.answers[NAS.address] = ModuleNotFoundError(
        "No module named 'batch_register'"
    )


def _old_scheduler(cluster: FakeCluster) -> None:
    cluster.answers[None] = replace(greet(), version="0.0.1")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_package, "no worker can be used: nas-01 lacks batch-register"),
        (_old_scheduler, "the Dask scheduler has batch-register 0.0.1"),
    ],
)
def test_a_cluster_of_another_program_is_refused_at_the_start(
    spoil: Callable[[FakeCluster], None], words: str
) -> None:
    cluster = FakeCluster(NAS)
    spoil(cluster)

    async def main() -> None:
        with pytest.raises(SettingsError, match=words) as caught:
            await farm(cluster).__aenter__()
        assert "batch-register[dask]" in caught.value.hint

    run_virtually(main())


def test_workers_must_have_the_certificate_files(tmp_path: Path) -> None:
    tls = Tls(ca_file=tmp_path / "ca.pem")

    async def main() -> None:
        with pytest.raises(SettingsError, match=r"nas-01 cannot read .*ca\.pem"):
            await farm(FakeCluster(NAS), tls=tls).__aenter__()

    run_virtually(main())


def test_a_part_takes_its_workers_share_of_the_rate(disk: Path) -> None:
    cluster = FakeCluster(NAS, SAN)

    async def main() -> None:
        async with farm(cluster, max_bytes_per_s=1000.0) as files:
            for host in (None, "nas-01"):
                with pytest.raises(ServiceError):
                    await files.send(
                        FilePlace(path=str(disk), host=host), 0, 1, ADDRESS
                    )

    run_virtually(main())
    assert [args[-1] for _, _, args in cluster.begun] == [500.0, 1000.0]


def test_no_word_of_a_refused_part_shows_the_address(disk: Path) -> None:
    async def main() -> None:
        async with farm(FakeCluster(NAS)) as files:
            with pytest.raises(ServiceError) as caught:
                await files.send(FilePlace(path=str(disk)), 0, 1, ADDRESS)
            assert "c0ffee" not in f"{caught.value}{caught.value.fault}"
            assert caught.value.fault.is_passing

    run_virtually(main())
