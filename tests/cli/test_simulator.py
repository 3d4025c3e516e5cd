"""`simulator`: refuses what it cannot serve; its clouds.yaml is YAML that leads to it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from batch_register.cli.simulator import clouds_yaml


def test_the_printed_clouds_file_says_what_the_simulator_says() -> None:
    clouds = {
        "clouds": {
            "simulator": {
                "auth": {"auth_url": "http://127.0.0.1:1/v3", "password": 'a"b: #c\\'},
                "region_name": "no",
                "verify": False,
            }
        }
    }
    assert yaml.safe_load(clouds_yaml(clouds)) == clouds


@pytest.mark.integration
def test_a_port_that_is_taken_is_an_error(invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = invoke("simulator", "--port", port)
    assert ended.code == 2
    assert ended.err.startswith(f"error: port {port}: cannot be served: ")


def test_a_wrong_fault_script_is_refused_with_every_mistake(
    invoke, tmp_path: Path
) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("rules: 7\nnonsense: 1\n", encoding="utf-8")
    ended = invoke("simulator", "--fault-script", script)
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 3
    assert ended.err.count(str(script)) == 2


def test_a_fault_script_that_is_not_there_is_named(invoke, tmp_path: Path) -> None:
    ended = invoke("simulator", "--fault-script", tmp_path / "none.yaml")
    assert ended.code == 2
    assert "none.yaml" in ended.err


@pytest.mark.parametrize("name", ["", "a:b", "Images", "x"])
def test_a_bucket_that_no_manifest_could_name_is_refused(invoke, name: str) -> None:
    ended = invoke("simulator", "--bucket", name)
    assert ended.code == 2
    assert "is no bucket's name" in ended.err


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "fast"])
def test_time_must_pass(invoke, speed: str) -> None:
    assert invoke("simulator", "--speed", speed).code == 2
