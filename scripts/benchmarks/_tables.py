"""Three tables such as come out of databases, made from a seed: the same rows of them everywhere.

``bank``    CSV: text, numbers with holes, an id, a date, yes or no in 3 of 100 rows.
``houses``  Parquet: typed columns with nulls, text, a date; prices, which are skewed.
``words``   libsvm: 600 words, of which a text has some thirty, in three classes of two topics each.

What makes the target is known, so each row comes with the best answer there can be: the true probabilities
of the classes, or the median of the price. No contestant sees it; it is the limit that none can pass.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["FILES", "ROWS", "TABLES", "VOCABULARY", "Made", "read_rows", "write_rows", "write_tables"]

Array = NDArray[Any]
ROWS, VOCABULARY = 20_000, 600
FILES = {"bank": "bank.csv", "houses": "houses.parquet", "words": "words.libsvm"}


class Made(NamedTuple):
    """``frame``: rows with their target in the last column. ``truth``: (n, classes), or (n,) of prices."""

    frame: pd.DataFrame
    truth: Array


def bank(rows: int, seed: int = 0) -> Made:
    """Customers, and who was defrauded: log-odds of effects of text, holes, a date, and two at once."""
    rng = np.random.default_rng([seed, 1])
    age = np.clip(rng.normal(46, 16, rows).round(), 18, 95)
    income = np.exp(rng.normal(10.3, 0.6, rows)).round(2)
    balance = (rng.standard_t(4, rows) * 3_000 + 1_500).round(2)
    job_effects = {
        "clerk": 0.0, "engineer": -0.3, "farmer": 0.5, "manager": -0.5, "nurse": 0.1, "pensioner": 0.7,
        "self-employed": 0.9, "student": 1.0, "teacher": -0.2, "worker": 0.3,
    }  # fmt: skip
    job, job_effect = _drawn(rng, rows, job_effects)
    places = [f"{name}{place}" for name in ("Alt", "Bad ", "Neu", "Ober", "Unter") for place in PLACES]
    city, city_effect = _drawn(
        rng, rows, dict(zip(places, rng.normal(0, 0.5, len(places)), strict=True)), 1.1
    )
    channel, channel_effect = _drawn(rng, rows, {"branch": -0.8, "online": 0.4, "phone": 0.6})
    married = rng.random(rows) < 0.5
    days = rng.integers(0, 3_650, rows)
    is_silent = rng.random(rows) < np.where(job == "self-employed", 0.25, 0.06)
    log_odds = (
        job_effect + city_effect + channel_effect - 0.4 * married
        + 1.5 * ((age - 46) / 30) ** 2 - 0.8 * (np.log(income) - 10.3) + 0.9 * is_silent
        - 1.2 * np.tanh(balance / 4_000) - 1.5 * days / 3_650 + 1.4 * ((channel == "phone") & (age > 62))
    )  # fmt: skip
    log_odds = 1.3 * log_odds
    p = 1 / (1 + np.exp(-log_odds - _intercept(log_odds, 0.03)))
    frame = pd.DataFrame(
        {
            "customer": [f"C{number:07d}" for number in rng.permutation(rows)],
            "opened": (np.datetime64("2014-01-01") + days).astype(str),
            "age": _with_holes(rng, age, 0.04),
            "income": np.where(is_silent, np.nan, income),
            "balance": balance,
            "products": rng.integers(1, 5, rows),
            "job": np.where(rng.random(rows) < 0.03, None, job),
            "city": city,
            "channel": channel,
            "married": married,
            "fraud": np.where(rng.random(rows) < p, "yes", "no"),
        }
    )
    return Made(frame, np.column_stack([1 - p, p]))


def houses(rows: int, seed: int = 0) -> Made:
    """Sales: log price of size, district, age and state, two of them at once, and noise of 15 %."""
    rng = np.random.default_rng([seed, 2])
    kind, kind_effect = _drawn(rng, rows, {"flat": 0.0, "terraced": 0.12, "detached": 0.3, "villa": 0.7})
    area = np.exp(rng.normal(4.4, 0.35, rows) + kind_effect).round(1)
    names = [f"{side} {place}" for side in ("North", "South", "Old") for place in PLACES]
    district, district_effect = _drawn(
        rng, rows, dict(zip(names, rng.normal(0, 0.3, len(names)), strict=True)), 0.7
    )
    heating, heating_effect = _drawn(rng, rows, {"district": 0.05, "gas": 0.0, "oil": -0.08, "pump": 0.1})
    built = rng.integers(1890, 2024, rows)
    garden = np.where(kind == "flat", np.nan, np.exp(rng.normal(5.5, 0.7, rows)).round())
    days = rng.integers(0, 2_000, rows)
    energy = (120 + (2024 - built) * 0.9 + rng.normal(0, 25, rows)).round()
    log_price = (
        7.9 + 0.95 * np.log(area) + district_effect + heating_effect + kind_effect
        + 0.25 * ((built - 1960) / 60) ** 2 + 0.05 * np.log1p(np.nan_to_num(garden)) - 0.001 * energy
        + 0.08 * days / 365 + 0.4 * district_effect * (kind == "villa")
    )  # fmt: skip
    frame = pd.DataFrame(
        {
            "sale": np.arange(rows),
            "sold": (np.datetime64("2020-01-01") + days).astype(object),
            "area": area,
            "built": _with_holes(rng, built, 0.05),
            "garden": garden,
            "energy": _with_holes(rng, energy, 0.2),
            "kind": kind,
            "district": district,
            "heating": np.where(rng.random(rows) < 0.1, None, heating),
            "price": (np.exp(log_price + rng.normal(0, 0.15, rows)) / 100).round() * 100,
        }
    )
    return Made(frame, np.exp(log_price))


def words(rows: int, seed: int = 0) -> Made:
    """Texts: log(1 + count) of each word, and the class by whose topics they were written."""
    rng = np.random.default_rng([seed, 3])
    common = 1 / np.arange(5, VOCABULARY + 5)
    topics = common * np.exp(rng.normal(0, 0.45, (3, 2, VOCABULARY)))
    topics /= topics.sum(axis=2, keepdims=True)
    label, topic = rng.integers(0, 3, rows), rng.integers(0, 2, rows)
    counts = rng.multinomial(rng.poisson(40, rows) + 5, topics[label, topic])
    likelihoods = np.einsum("nw,ctw->nct", counts, np.log(topics))
    shares = np.exp(likelihoods - likelihoods.max(axis=(1, 2), keepdims=True)).sum(axis=2)
    frame = pd.DataFrame(np.log1p(counts).round(4), columns=[str(word) for word in range(VOCABULARY)])
    frame["label"] = label
    return Made(frame, shares / shares.sum(axis=1, keepdims=True))


TABLES: dict[str, Callable[..., Made]] = {"bank": bank, "houses": houses, "words": words}
PLACES = (
    "bach",
    "berg",
    "burg",
    "dorf",
    "feld",
    "furt",
    "hafen",
    "heim",
    "kirchen",
    "stadt, See",
    "tal",
    "wald",
)


def write_tables(folder: Path, rows: int = ROWS, seed: int = 0) -> list[Path]:
    """Write the file of each table, which its recipe in conf/ reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        write_rows(make(rows, seed).frame, folder / FILES[name])
    return [folder / file for file in FILES.values()]


def write_rows(frame: pd.DataFrame, path: Path) -> None:
    """Write rows as the format that the path's suffix names."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        from sklearn.datasets import dump_svmlight_file

        dump_svmlight_file(frame.iloc[:, :-1], frame.iloc[:, -1], str(path), zero_based=False)


def read_rows(path: Path) -> pd.DataFrame:
    """The rows of a file as pandas has them."""
    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    from sklearn.datasets import load_svmlight_file

    X, y = load_svmlight_file(str(path), n_features=VOCABULARY, zero_based=False)
    frame = pd.DataFrame(X.toarray(), columns=[str(word) for word in range(VOCABULARY)])
    return frame.assign(label=y.astype(np.int64))


def _drawn(
    rng: np.random.Generator, rows: int, effects: dict[str, float], steep: float = 0.0
) -> tuple[Array, Array]:
    """A text of each row and its effect; the n-th of the texts is n**steep times rarer than the first."""
    shares = np.arange(1, len(effects) + 1) ** -steep
    chosen = rng.choice(len(effects), rows, p=shares / shares.sum())
    return np.array(list(effects), object)[chosen], np.array(list(effects.values()))[chosen]


def _with_holes(rng: np.random.Generator, values: Array, share: float) -> Array:
    return np.where(rng.random(len(values)) < share, np.nan, values)


def _intercept(log_odds: Array, share: float) -> float:
    """What to add to log-odds so that their probabilities have that mean."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-log_odds - middle))).mean() < share else (low, middle)
    return (low + high) / 2
