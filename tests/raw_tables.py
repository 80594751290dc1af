"""Rows of text, booleans, dates and holes that the tests of encodings share."""

import numpy as np
import pandas as pd

ROWS = 600


def made_rows(rows=ROWS, seed=0):
    """Ages and heights with holes, a city (a rare one with a comma, some missing), a flag, a day."""
    rng = np.random.default_rng(seed)
    days = pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    table = pd.DataFrame(
        {
            "age": rng.integers(1, 90, rows).astype(float),
            "city": rng.choice(["Paris", "Rome", "Zürich", "Bonn, DE"], rows, p=[0.5, 0.3, 0.19, 0.01]),
            "flag": rng.random(rows) > 0.5,
            "height": rng.normal(170, 10, rows),
            "day": [day.date() for day in pd.Timestamp("2021-02-03") + days],
            "zip": rng.integers(0, 200, rows),
        }
    )
    score = table.age.to_numpy() / 30 + (table.city == "Rome") + table.flag
    table["label"] = (score > score.median()).astype(int) + (score > score.quantile(0.8))
    table.loc[::7, "age"] = np.nan
    table.loc[::13, "height"] = np.nan
    table["city"] = table["city"].where(table.index % 11 != 0, None)
    return table
