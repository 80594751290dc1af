"""Make tables from a seed, such as come out of databases or papers: the same rows of it everywhere.

``bank``               text, numbers with holes, an id, a date; fraud, yes or no, in 3 of 100 rows.
``houses``             typed columns with nulls, text, a date; prices, which are skewed.
``words``              log(1 + count) of 600 words, a text has some thirty; three classes of two topics each.
``random_regression``  1,000 N(0, 1) features and 10 N(0, 1) targets: nothing to learn but the rows by heart.

What makes the target is known, so each row comes with the best answer there can be: the true probabilities
of the classes, or the median of the target. No model sees it; it is the limit that none can pass.

Conventions
-----------
n rows; each table has its own stream of random numbers, and the first thousand of a million rows are not the
thousand that are made alone. Values are part of published figures: they never change.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAKERS", "ROWS", "VOCABULARY", "Made", "bank", "houses", "random_regression", "words"]

Array = NDArray[Any]
ROWS, VOCABULARY = 20_000, 600
TEXTS_AT_ONCE = 1 << 14
PLACES = (
    "bach", "berg", "burg", "dorf", "feld", "furt", "hafen", "heim", "kirchen", "stadt, See", "tal", "wald",
)  # fmt: skip


class Made(NamedTuple):
    """Rows and the best answers to them.

    features : of raw tables the columns (n,) by name, of tables of numbers one matrix (n, features)
    target : (n,) or (n, targets), and its column's name
    truth : (n, classes) probabilities in the order of the labels, or (n,) or (n, targets) medians
    """

    features: dict[str, Array] | NDArray[np.float64]
    target: Array
    target_name: str
    truth: NDArray[np.float64]


def bank(rows: int = ROWS, seed: int = 0) -> Made:
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
    columns = {
        "customer": np.array([f"C{number:07d}" for number in rng.permutation(rows)], object),
        "opened": (np.datetime64("2014-01-01") + days).astype("U10"),
        "age": _with_holes(rng, age, 0.04),
        "income": np.where(is_silent, np.nan, income),
        "balance": balance,
        "products": rng.integers(1, 5, rows),
        "job": _without_some(rng, job, 0.03),
        "city": city,
        "channel": channel,
        "married": married,
    }
    fraud = np.where(rng.random(rows) < p, "yes", "no")
    return Made(columns, fraud, "fraud", np.column_stack([1 - p, p]))


def houses(rows: int = ROWS, seed: int = 0) -> Made:
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
    columns = {
        "sale": np.arange(rows),
        "sold": (np.datetime64("2020-01-01") + days).astype(object),
        "area": area,
        "built": _with_holes(rng, built, 0.05),
        "garden": garden,
        "energy": _with_holes(rng, energy, 0.2),
        "kind": kind,
        "district": district,
        "heating": _without_some(rng, heating, 0.1),
    }
    price = (np.exp(log_price + rng.normal(0, 0.15, rows)) / 100).round() * 100
    return Made(columns, price, "price", np.exp(log_price))


def words(rows: int = ROWS, seed: int = 0) -> Made:
    """Texts: log(1 + count) of each word, and the class by whose topics they were written."""
    rng = np.random.default_rng([seed, 3])
    common = 1 / np.arange(5, VOCABULARY + 5)
    topics = common * np.exp(rng.normal(0, 0.45, (3, 2, VOCABULARY)))
    topics /= topics.sum(axis=2, keepdims=True)
    label, topic = rng.integers(0, 3, rows), rng.integers(0, 2, rows)
    lengths = rng.poisson(40, rows) + 5
    logs, shares = np.empty((rows, VOCABULARY)), np.empty((rows, 3))
    for start in range(0, rows, TEXTS_AT_ONCE):
        some = slice(start, start + TEXTS_AT_ONCE)
        counts = rng.multinomial(lengths[some], topics[label[some], topic[some]])
        logs[some] = np.log1p(counts).round(4)
        likelihoods = np.einsum("nw,ctw->nct", counts, np.log(topics))
        shares[some] = np.exp(likelihoods - likelihoods.max(axis=(1, 2), keepdims=True)).sum(axis=2)
    return Made(logs, label, "label", shares / shares.sum(axis=1, keepdims=True))


def random_regression(rows: int = 64, seed: int = 0) -> Made:
    """Features and targets that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    features, target = rng.normal(size=(rows, 1_000)), rng.normal(size=(rows, 10))
    return Made(features, target, "label", np.zeros_like(target))


MAKERS: dict[str, Callable[..., Made]] = {
    "bank": bank,
    "houses": houses,
    "random_regression": random_regression,
    "words": words,
}


def _drawn(
    rng: np.random.Generator, rows: int, effects: dict[str, float], steep: float = 0.0
) -> tuple[Array, Array]:
    """A text of each row and its effect; the n-th of the texts is n**steep times rarer than the first."""
    shares = np.arange(1, len(effects) + 1) ** -steep
    chosen = rng.choice(len(effects), rows, p=shares / shares.sum())
    return np.array(list(effects), object)[chosen], np.array(list(effects.values()))[chosen]


def _with_holes(rng: np.random.Generator, values: Array, share: float) -> Array:
    return np.where(rng.random(len(values)) < share, np.nan, values)


def _without_some(rng: np.random.Generator, texts: Array, share: float) -> Array:
    found = texts.copy()
    found[rng.random(len(texts)) < share] = None
    return found


def _intercept(log_odds: Array, share: float) -> float:
    """What to add to log-odds so that their probabilities have that mean."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-log_odds - middle))).mean() < share else (low, middle)
    return (low + high) / 2
