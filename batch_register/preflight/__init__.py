"""A look at every source before anything is made.

Survey looks (`survey`, `eyes`), the rest decides: `sight` holds what one look has shown,
`location` and `content` what is wrong with it, `findings` which of that is gravest,
`judge` the verdict, `summary` and `words` what all of them come to. `limits` needs no
store: what a cloud is known to refuse of an entry by its manifest alone.
"""

from __future__ import annotations

from batch_register.preflight.findings import Code
from batch_register.preflight.judge import unlooked
from batch_register.preflight.limits import profile_fault
from batch_register.preflight.summary import Summary, Unlooked
from batch_register.preflight.survey import Looks, Survey
from batch_register.preflight.words import survey_lines, unlooked_line

__all__ = [
    "Code",
    "Looks",
    "Summary",
    "Survey",
    "Unlooked",
    "profile_fault",
    "survey_lines",
    "unlooked",
    "unlooked_line",
]
