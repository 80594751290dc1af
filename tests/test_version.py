"""The version stands in one place, and what quotes it agrees."""

import re
from pathlib import Path

import nnspark

ROOT = Path(__file__).parents[1]


def test_what_quotes_the_version_agrees() -> None:
    """The citation, the changelog's newest release, and the packages that the page names."""
    assert f"\nversion: {nnspark.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    releases = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0] == nnspark.__version__
    named = re.findall(r"nnspark-(\d\S*?)\.zip", (ROOT / "jobs/README.md").read_text())
    assert set(named) == {nnspark.__version__}
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()
