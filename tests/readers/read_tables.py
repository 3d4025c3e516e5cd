"""What pandas and DuckDB make of a CSV file and a ledger; run by the readers' Python."""

from __future__ import annotations

import json
import sys

import duckdb
import pandas as pd


def main(table: str, ledger: str) -> None:
    frame = pd.read_csv(table, parse_dates=["started_at", "finished_at"])
    relation = duckdb.read_csv(table)
    lines = pd.read_json(ledger, lines=True)
    (counted,) = duckdb.read_json(ledger).aggregate("count(*)").fetchall()
    found = {
        "pandas": {
            "types": {name: str(kind) for name, kind in frame.dtypes.items()},
            "rows": json.loads(frame.to_json(orient="records", date_format="iso")),
        },
        "duckdb": {
            "types": dict(zip(relation.columns, map(str, relation.types), strict=True)),
            "rows": json.loads(
                relation.df().to_json(orient="records", date_format="iso")
            ),
        },
        "ledger": {"pandas": len(lines), "duckdb": counted[0]},
    }
    print(json.dumps(found))


main(*sys.argv[1:])
