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
