"""Sources that change while an executor dies in mid-run: the right bits or one line, never other rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark.test_changing_sources import CASES, WORDS


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_killed_executor_does_not_bring_in_other_rows(tmp_path: Path) -> None:
    """Its shards, and what they were shuffled from, are read again from what the source has become."""
    program = Path(__file__).with_name("changing_sources.py")
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    }
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], capture_output=True, text=True, check=False, env=env
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]
    found = {line["case"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert list(found) == list(CASES)
    for case, line in found.items():
        assert len(line["killed"]) == 1, case
        if "message" in line:
            assert len(line["message"].splitlines()) == 1
            assert any(words in line["message"] for words in WORDS), line
        else:
            assert line["right"], case
    assert found["rand() as a feature"].get("right")
