"""The logger: bare lines on standard error, which a notebook can turn down."""

import logging

import pytest

from nnspark.log import log, warn


def test_lines_go_to_standard_error_and_warnings_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever standard error is at the moment; nothing goes to standard output."""
    log("50 % of it")
    warn("and a fault")
    assert capsys.readouterr() == ("", "50 % of it\nwarning: and a fault\n")


def test_it_can_be_turned_down(capsys: pytest.CaptureFixture[str]) -> None:
    """Like any logger."""
    logger = logging.getLogger("nnspark")
    logger.setLevel(logging.WARNING)
    try:
        log("progress")
        warn("a fault")
    finally:
        logger.setLevel(logging.INFO)
    assert capsys.readouterr().err == "warning: a fault\n"
