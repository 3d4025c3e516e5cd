"""A manifest written from a bucket or from a table.

A bucket goes from `survey`, the only module that waits for anything, through
`from_bucket`; a table from `cells`, `columns` and `machines` through `from_table`. Both
use `naming`, `systems` with its `catalogue`, and `fitting`, and make a `draft`, which
`writing` makes a text of.
"""

from __future__ import annotations
