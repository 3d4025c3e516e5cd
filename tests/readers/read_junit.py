"""What junitparser and Jenkins' schema make of a JUnit file; run by the readers' Python."""

from __future__ import annotations

import json
import sys

import junitparser
import xmlschema


def main(path: str, schema: str) -> None:
    faults = [
        str(fault.reason) for fault in xmlschema.XMLSchema(schema).iter_errors(path)
    ]
    suites = list(junitparser.JUnitXml.fromfile(path))
    found = {
        "faults": faults,
        "suites": [
            {
                "name": suite.name,
                "tests": suite.tests,
                "failures": suite.failures,
                "errors": suite.errors,
                "skipped": suite.skipped,
                "properties": {each.name: each.value for each in suite.properties()},
                "cases": [
                    {
                        "name": case.name,
                        "classname": case.classname,
                        "time": case.time,
                        "results": [type(each).__name__ for each in case.result],
                    }
                    for case in suite
                ],
            }
            for suite in suites
        ],
    }
    print(json.dumps(found))


main(*sys.argv[1:])
