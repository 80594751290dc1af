"""Every command that a page shows exists and has the options that it is shown with."""

import argparse
import importlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnspark.runs.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / name
    for name in (
        "README.md", "CONTRIBUTING.md", "conf/README.md", "jobs/README.md", "nnspark/README.md",
        "scripts/benchmarks/README.md",
    )
]  # fmt: skip
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
OURS = re.compile(r"(?:spark-submit|nnspark|scripts/\w+|jobs/\w+\.py)(?: |$)")
SPARKS = {  # spark-submit's options and whether a value follows
    "--master": True, "--properties-file": True, "--conf": True, "--py-files": True, "--archives": True,
    "--files": True, "--deploy-mode": True, "--version": False, "--verbose": False,
}  # fmt: skip
OTHERS = {"source", "git", "pip", "python", "python3", "export", "cd"}


class WordsAreReadError(Exception):
    """The command line has been read; what would come next is left out."""


def lines() -> Iterator[tuple[str, str, bool]]:
    """(page, command line, whether it is whole): those of sh blocks are, those in a sentence need not be."""
    for page in PAGES:
        text = page.read_text()
        for block in BLOCK.findall(text):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield str(page.relative_to(ROOT)), line, True
        for code in INLINE.findall(text):
            if OURS.match(code):
                yield str(page.relative_to(ROOT)), code, False


SHOWN = list(lines())


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> list[argparse.ArgumentParser]:
    """Commands end as soon as they have read their words; the parsers that read them."""
    parsers: list[argparse.ArgumentParser] = []
    parse = argparse.ArgumentParser.parse_args

    def caught(self: argparse.ArgumentParser, words: list[str]) -> None:
        parsers.append(self)
        if words != ["--only-the-parser"]:
            parse(self, words)
        raise WordsAreReadError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", caught)
    return parsers


def check_command(
    command: str, words: list[str], parsers: list[argparse.ArgumentParser], whole: bool
) -> None:
    """The words fit the command, or, of a part of a command line, its options exist."""
    main = importlib.import_module(f"nnspark.runs.commands.{command}").main
    with pytest.raises(WordsAreReadError):
        main(words if whole else ["--only-the-parser"])
    known = {option for action in parsers[-1]._actions for option in action.option_strings}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def check_script(script: str, words: list[str]) -> None:
    """It can be run, and each option is named by it or by the programs it starts."""
    path = ROOT / script
    assert os.access(path, os.X_OK)
    text = "".join(
        file.read_text()
        for file in (ROOT / "scripts").rglob("*")
        if file.is_file() and file.suffix in ("", ".py")
    )
    if path.name == "test":
        text += " -m -n --pdb -k "
    if words[:1] == ["submit"]:
        text += " ".join(SPARKS)
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0] in text, word
        elif word.startswith(("conf/", "jobs/", "tests/")):
            assert (ROOT / word).exists(), word


def after_spark(words: list[str]) -> list[str]:
    """What is left of spark-submit's words behind its own options."""
    while words and (words[0] in SPARKS or words[0].startswith("$")):
        took = 2 if SPARKS.get(words[0]) else 1
        if words[0] == "--properties-file":
            assert (ROOT / words[1]).exists()
        words = words[took:]
    return words


@pytest.mark.parametrize(
    ("page", "line", "whole"), SHOWN, ids=[f"{page}: {line[:60]}" for page, line, _ in SHOWN]
)
def test_what_a_page_shows_can_be_typed(
    page: str, line: str, whole: bool, read_only: list[argparse.ArgumentParser]
) -> None:
    """The script or command is there, and so are its options; files of the repository exist."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):  # variables
        words = words[1:]
    if ">" in words:
        words = words[: words.index(">")]
    if not words:
        return
    first, rest = words[0], words[1:]
    if first == "nnspark":
        if not rest or rest[0] == "--version":
            return
        command = next((word for word in rest if word in COMMANDS), "")
        assert command, f"none of the commands {', '.join(COMMANDS)}"
        check_command(command, rest[rest.index(command) + 1 :], read_only, whole and len(rest) > 1)
    elif first.startswith("scripts/"):
        if first in ("scripts/run", "scripts/cluster", "scripts/hadoop") and "jobs/train.py" in rest:
            rest = rest[: rest.index("jobs/train.py")]
        check_script(first, [] if first == "scripts/run" else rest)
    elif first == "spark-submit" or first.startswith("jobs/"):
        job, *rest = [first, *rest] if first.startswith("jobs/") else after_spark(rest) or [""]
        if job:
            job = job.removeprefix("local:///opt/nnspark/")
            assert (ROOT / job).exists()
            check_command(Path(job).stem, rest, read_only, whole)
    else:
        assert first in OTHERS, f"{first} is none of this repository's commands"


def test_pages_show_commands_and_a_wrong_one_is_noticed(read_only: list[argparse.ArgumentParser]) -> None:
    """Enough of them; an option that is not there, a script that is not, words that do not fit."""
    assert len([whole for _, _, whole in SHOWN if whole]) >= 15
    for line, whole in (
        ("nnspark train digits --out x --ressume", True),
        ("nnspark evaluate --prat test", False),
        ("nnspark train digits", True),
        ("scripts/bench epoch --quickly", True),
        ("scripts/rnu", True),
        ("spark-submit --properties-file conf/none.conf jobs/train.py a.toml --out b", True),
        ("sparksubmit jobs/train.py", True),
    ):
        with pytest.raises((AssertionError, SystemExit)):
            test_what_a_page_shows_can_be_typed("", line, whole, read_only)
