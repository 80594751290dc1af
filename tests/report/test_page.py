"""The page: self-contained, escaped, the right numbers, the same bytes, whatever the run was like."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from report.reading import read, words

from nnspark import report
from nnspark.report import describe_environment, write_report
from nnspark.runs.reporting import commands_of

PORT = "PYSPARK_GATEWAY_PORT"
EVIL = '<script>alert("1")</script><img src=x onerror=a>&'


def without_matplotlib(monkeypatch):
    """Make `import matplotlib` fail as where it is not installed."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_the_outcome_is_said_in_words(make_run):
    """The first thing read is how good, on what, after how long."""
    page = write_report(make_run())
    assert '<p class="outcome">97.2 % of 180 test rows right after 400 epochs in 14.3 s</p>' in page
    assert "Stopped: no better validation loss for 9 epochs" in page


def test_the_numbers_of_the_run_are_on_the_page(make_run):
    """Key figures, counts, weights hash, environment, recipe and commands are those of the record."""
    text = words(write_report(make_run(run_dir="runs/my digits")))
    for said in (
        "175 of 180 rows", "0.0789", "0.0567", "99.5 %", "96.7 %", "401 evaluations", "best: epoch 31",
        "30 ms an epoch", "0f" * 32, "spark.version 4.3.0", "spark.partitions 3", 'source = "digits"',
        "yes 97.8 % 96.7 % 97.2 % 90",
        "5 rows wrong. Most often: yes taken for no (3); no taken for yes (2).",
        "nnspark train 'runs/my digits/recipe.toml' --out NEW_RUN_DIR",
        "spark.platforms NumPy 2; NumPy 3",
    ):  # fmt: skip
        assert said in text, said


STARTED = {
    "the console command": ({}, "nnspark train", "nnspark train", "nnspark evaluate"),
    "Python": ({}, "mine.py", "nnspark train", "nnspark evaluate"),
    "a notebook's shell": ({PORT: "1"}, "ipykernel_launcher.py", "nnspark train", "nnspark evaluate"),
    "spark-submit": (
        {PORT: "1"}, "jobs/train.py", "spark-submit jobs/train.py", "spark-submit jobs/evaluate.py"
    ),
    "spark-submit from afar": (
        {PORT: "1"}, "/o p/jobs/sweep.py", "spark-submit '/o p/jobs/train.py'",
        "spark-submit '/o p/jobs/evaluate.py'",
    ),
    "cluster mode": ({PORT: "1"}, "train.py", "spark-submit jobs/train.py", "spark-submit jobs/evaluate.py"),
    "scripts/run": (
        {PORT: "1", "NNSPARK_RUN": "../scripts/run"}, "/x/jobs/train.py", "../scripts/run", "nnspark evaluate"
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", STARTED)
def test_commands_are_those_of_the_way_in_which_the_run_was_started(make_run, monkeypatch, how):
    """Whether or not jobs/ is beside."""
    environment, script, train, evaluate = STARTED[how]
    monkeypatch.delenv(PORT, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(sys, "argv", [script, "..."])
    text = words(write_report(make_run(run_dir="runs/my digits")))
    assert f"{train} 'runs/my digits/recipe.toml' --out NEW_RUN_DIR" in text
    assert commands_of("mine")[0][1] == f"{evaluate} mine"


def test_the_confusion_matrix_keeps_true_classes_in_rows(make_run):
    """Row by row the heat map reads as the matrix does."""
    rows = re.findall(r'<tr><th scope="row">(no|yes)</th>(.*?)</tr>', write_report(make_run()))[:2]
    assert [(name, re.findall(r">(\d+)</td>", cells)) for name, cells in rows] == [
        ("no", ["88", "2"]),
        ("yes", ["3", "87"]),
    ]


def test_every_text_of_the_record_is_escaped(make_run):
    """Markup in any field, class names above all, stays text."""
    page = write_report(
        make_run(
            title=EVIL, recipe_text=EVIL, classes=[EVIL, "b"], warnings=[EVIL],
            stopped_because=EVIL, run_dir=EVIL,
            per_class=[{"class": EVIL, "precision": EVIL, "recall": 1, "f1": 1, "support": EVIL}],
            samples=(np.zeros((1, 4, 4)), [EVIL], [EVIL + "!"]), environment={EVIL: EVIL},
            metrics={"test": {EVIL: 1.0, "num_samples": EVIL, "loss": EVIL, "accuracy": EVIL},
                     "epochs": EVIL, "seconds": EVIL, "evaluations": EVIL, "weights_sha256": EVIL,
                     "spark": {EVIL: {EVIL: EVIL}}},
            history=[{"epoch": 1, "loss": 1.0, EVIL: EVIL, "seconds": EVIL}],
        )
    )  # fmt: skip
    reader = read(page)
    assert "script" not in reader.tags
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert all(
        value.startswith("data:image/png;base64,") for name, value in reader.attributes if name == "src"
    )


def test_a_dollar_in_a_name_is_a_dollar(make_run):
    """Text of the user that looks like the page's own place-holders is shown as it is."""
    page = write_report(make_run(title="$title ${style} $$", classes=["$main", "$"]))
    assert "<h1>$title ${style} $$</h1>" in page
    assert '<th scope="row">$main</th>' in page


def test_every_part_of_the_page_is_used():
    """What parts.html holds is what the code fills in, no more and no less."""
    folder = Path(report.__file__).parent
    held = re.findall(r'<template id="([^"]+)">', (folder / "parts.html").read_text())
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    assert sorted(held) == sorted(set(re.findall(r'fill\("([^"]+)"', re.sub(r"\(\s+", "(", code))))


def test_unprintable_text_can_still_be_stored(make_run):
    """A lone surrogate, a NUL or a direction override from a data file leaves the page valid UTF-8."""
    page = write_report(make_run(classes=["a\ud800\x00", "b\u202e"], title="t\udfff"))
    page.encode("utf-8")
    assert not re.search("[\x00\u202e]", page)


def test_the_page_needs_nothing_from_outside(make_run):
    """No address, no script, no link; and the content policy would refuse them."""
    page = write_report(make_run())
    reader = read(page)
    assert not re.search(r"(https?:)?//\w", page)
    assert not {"script", "link", "iframe", "object", "base"} & set(reader.tags)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r'(?:href="|url\()([^")]*)', page))
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:") in reader.attributes


def test_light_dark_and_phone_are_provided_for(make_run):
    """The plots take their colours from the style sheet, so both schemes reach them."""
    page = write_report(make_run())
    assert "prefers-color-scheme:dark" in page
    assert 'name="viewport"' in page
    assert "stroke: var(--train)" in page
    assert "#0a0b0" not in page


def test_a_panel_is_drawn_for_every_quantity_the_history_has(make_run):
    """Loss, accuracy, learning rate, gradient norm, seconds: and no empty panel."""
    titles = re.findall(r"<figure><h3>(.*?)</h3>", write_report(make_run(samples=None)))
    assert titles == ["Loss", "Accuracy", "Learning rate", "Gradient norm", "Seconds an epoch"]


def test_figures_while_training_that_are_not_the_models_are_explained(make_run):
    """Rounds measure along the way, and before a threshold is found the likelier class is predicted."""
    assert "elsewhere on this page" not in words(write_report(make_run()))
    assert "elsewhere on this page" not in words(
        write_report(make_run(recipe_text="[rounds]\nbatch_size = 0\n"))
    )
    rounds = words(write_report(make_run(recipe_text="[rounds]\nbatch_size = 32\n")))
    assert "taken along its steps, the validation's at the weights it starts from" in rounds
    metrics = make_run().metrics | {"prediction": {"threshold": 0.1486, "found_on": "validation"}}
    assert "the second is from 0.1486 on, found after training" in words(
        write_report(make_run(metrics=metrics))
    )


def test_without_matplotlib_the_history_is_a_table(make_run, monkeypatch):
    """The page is made all the same, with about 20 epochs and a line on getting the curves."""
    without_matplotlib(monkeypatch)
    page = write_report(make_run(confusion=None, per_class=(), samples=None))
    assert "<svg" not in page
    assert "pip install matplotlib" in page
    assert "<details" not in page
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert 20 <= body.count("<tr>") <= 21
    assert "<td>31</td>" in body, "the best epoch is among the rows"
    assert "97.2 % of 180 test rows right" in page


def test_the_same_run_gives_the_same_bytes_in_any_process(make_run):
    """Neither time, nor object ids, nor the hash seed show up in the page."""
    program = (
        "import importlib.util, hashlib, sys\n"
        "spec = importlib.util.spec_from_file_location('c', sys.argv[1])\n"
        "c = importlib.util.module_from_spec(spec); spec.loader.exec_module(c)\n"
        "from nnspark.report import write_report\n"
        "print(hashlib.sha256(write_report(c.RUN).encode()).hexdigest())\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).with_name("conftest.py"))]
    root = Path(__file__).parents[2]
    digests = {
        subprocess.check_output(command, cwd=root, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in "12"
    }
    assert len(digests) == 1
    assert write_report(make_run()) == write_report(make_run())


def test_drawing_leaves_matplotlib_as_it_was(make_run):
    """No setting and no pyplot figure of the caller's is touched, nor do the caller's settings show."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    plain = write_report(make_run())
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context(
        {
            "lines.linewidth": 9,
            "axes.facecolor": "red",
            "font.size": 30,
            "xtick.labelsize": 40,
            "axes.grid": True,
        }
    ):
        assert write_report(make_run()) == plain


def test_the_environment_names_what_decides_the_bits():
    """Python, NumPy, BLAS and processor family; no host or user name."""
    facts = describe_environment()
    assert list(facts) == ["Python", "NumPy", "BLAS", "machine"]
    assert facts["NumPy"] == np.__version__


def test_too_many_classes_for_a_matrix_show_their_commonest_mistakes(make_run):
    """Names are escaped, rows are counted, no map is drawn."""
    page = write_report(make_run(confusion=None, mistakes=[("<a>", "b", 1234), ("b", "c", 1)]))
    assert "Commonest mistakes" in page
    assert "&lt;a&gt;</th><td>b</td><td>1,234</td>" in page
    assert "Confusion matrix" not in page
