"""Values that no sane file or server holds end in a sentence, not in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.errors import SettingsError
from batch_register.identity import Surroundings, load_cloud


@pytest.mark.parametrize(
    "value",
    ["!!int hunter2", "!!float hunter2", "!!bool hunter2", "!!timestamp hunter2"],
)
def test_an_explicit_tag_that_does_not_fit_is_refused_without_its_value(
    tmp_path: Path, value: str
) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(f"clouds: {{x: {{auth: {{password: {value}}}}}}}")
    surroundings = Surroundings(
        environ={"OS_CLIENT_CONFIG_FILE": str(path)}, cwd=tmp_path, home=tmp_path
    )
    with pytest.raises(SettingsError) as caught:
        load_cloud(surroundings, name="x")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def refusal(tmp_path: Path, environ: dict[str, str], *, name: str | None = None) -> str:
    """Return what is said of surroundings that describe no usable cloud."""
    surroundings = Surroundings(environ=environ, cwd=tmp_path, home=tmp_path)
    with pytest.raises(SettingsError) as caught:
        load_cloud(surroundings, name=name)
    return f"{caught.value.message}; {caught.value.hint}"


# Python gives bytes of an environment that are not UTF-8 as lone surrogates.
LATIN_1 = "caf\udce9-hunter2"
PASSWORD = {
    "OS_AUTH_URL": "https://iam.example/v3",
    "OS_USERNAME": "u",
    "OS_USER_DOMAIN_NAME": "d",
    "OS_PROJECT_NAME": "p",
    "OS_PASSWORD": "x",
}
ACCESS_KEY = {"HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK": "s"}


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        (PASSWORD, "OS_PASSWORD"),
        (PASSWORD, "OS_USERNAME"),
        (PASSWORD, "OS_REGION_NAME"),
        ({**PASSWORD, "OS_AUTH_TYPE": "v3totp"}, "OS_PASSCODE"),
        (ACCESS_KEY, "HUAWEICLOUD_SDK_SK"),
        (ACCESS_KEY, "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    ],
)
def test_a_variable_in_another_encoding_is_refused_without_its_value(
    tmp_path: Path, environ: dict[str, str], variable: str
) -> None:
    told = refusal(tmp_path, {**environ, variable: LATIN_1})
    assert f"{variable} holds bytes that are not UTF-8" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("region", ["thief.example/", "thief.example\\", "a b", "a:1"])
def test_a_region_that_would_end_the_host_early_is_no_part_of_an_address(
    tmp_path: Path, region: str
) -> None:
    address = {"OS_AUTH_URL": "https://iam.{region_name}.otc.example/v3"}
    told = refusal(tmp_path, {**PASSWORD, **address, "OS_REGION_NAME": region})
    assert "OS_REGION_NAME cannot be part of auth_url" in told


@pytest.mark.parametrize("variable", ["OS_TOKEN", "OS_PROJECT_ID"])
def test_a_value_of_several_lines_is_refused_without_its_value(
    tmp_path: Path, variable: str
) -> None:
    """It cannot stand in a header; every request would fail, and the run with 69."""
    environ = {"OS_TOKEN": "t", "OS_PROJECT_ID": "p", variable: "hunter2\nhunter2"}
    told = refusal(tmp_path, environ)
    assert f"{variable} is not one line" in told
    assert "hunter2" not in told


def test_a_place_that_cannot_be_looked_at_is_not_passed_over(tmp_path: Path) -> None:
    """Another file further down the search path may name the same cloud."""
    beyond = "x" * 300  # a name longer than a file system has them
    for variable in ("OS_CLIENT_CONFIG_FILE", "XDG_CONFIG_HOME"):
        told = refusal(tmp_path, {variable: f"/{beyond}"}, name="x")
        assert "cannot be looked for: File name too long" in told


def test_an_entry_that_contains_itself_is_refused(tmp_path: Path) -> None:
    for stem in ("clouds", "secure"):
        (tmp_path / f"{stem}.yaml").write_text("clouds: &all {x: *all}")
    assert "secure.yaml: an entry contains itself" in refusal(tmp_path, {}, name="x")
