"""README lists every finding with what has to be done."""

from __future__ import annotations

import re

from batch_register.preflight import Code
from batch_register.preflight.findings import finding
from tests.documentation.test_documentation import section


def test_every_finding_is_listed_in_order_with_its_action() -> None:
    rows = re.findall(
        r"^\| `(preflight\.[a-z-]+)` \| .* \| `(\w+)` \|$",
        section("What the pre-flight finds"),
        re.MULTILINE,
    )
    assert rows == [(str(code), str(finding(code, "why").action)) for code in Code]
