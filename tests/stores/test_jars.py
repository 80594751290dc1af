"""What tests of stores fetch is checked."""

import sys
from pathlib import Path

import pytest
from stores.jars import SUMS, jars


def test_jars_with_other_checksums_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Maven says of them: a Maven here that copies another file under each name."""
    maven = tmp_path / "mvn"
    names = [line.split()[1] for line in SUMS.read_text().splitlines()]
    maven.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        "(to,) = [pathlib.Path(word[18:]) for word in sys.argv if word.startswith('-DoutputDirectory=')]\n"
        f"to.mkdir(parents=True)\nfor name in {names}:\n    (to / name).write_bytes(b'other')\n"
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(pytest.fail.Exception, match=r"not what SHA256SUMS says; .*hadoop-aws-3\.5\.0\.jar"):
        jars()
