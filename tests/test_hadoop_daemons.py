"""What scripts/hadoop runs is fetched whole and checked, or one line says what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))
from hadoop_daemons import jars  # noqa: E402

SHELL = """import sys
from daemons import STATE, describe
from hadoop_daemons import __main__, settings
describe({**settings.write(STATE), "processes": []})
sys.exit(__main__.shell(["-cat", sys.argv[1]]))
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: Any) -> Path:
    """A PATH of one folder, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    jars.class_path.cache_clear()
    return folder


def test_without_maven_one_line_says_what_is_missing(tools: Path) -> None:
    """And what to install."""
    with pytest.raises(SystemExit, match=r"^hadoop: needs Maven .*apt-get install maven\) and try again$"):
        jars.class_path()


def test_a_jar_with_another_checksum_is_not_kept(tools: Path, tmp_path: Path) -> None:
    """Whatever Maven says of it: a Maven here that copies another file under its name."""
    maven = tools / "mvn"
    maven.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\n"
        f"(to,) = [word.partition('=')[2] for word in sys.argv if word.startswith('-DoutputDirectory=')]\n"
        f"for name in {sorted(jars.WANTED)!r}:\n    pathlib.Path(to, name).write_bytes(b'other')\n"
    )
    maven.chmod(0o755)
    with pytest.raises(SystemExit, match=r"^hadoop: what Maven fetched is not .*slf4j-api-1\.7\.36\.jar"):
        jars.class_path()
    assert list((tmp_path / "cache/nnspark").iterdir()) == []


def test_a_damaged_cache_is_told(tools: Path, tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "cache/nnspark" / f"hadoop-{jars.VERSION}").mkdir(parents=True)
    with pytest.raises(SystemExit, match="delete it, and it is fetched again"):
        jars.class_path()


def test_its_version_is_that_of_sparks_client(monkeypatch: Any) -> None:
    """So that the client on YARN speaks to daemons of its own release; another pyspark says so at ``up``."""
    import pyspark

    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    if pyspark.__version__.startswith("4.3."):
        assert jars.version_of_spark() == jars.VERSION
    assert jars.VERSION in (jars.HERE / "pom.xml").read_text()


def test_no_daemon_leaves_anything_outside_its_state_folder(tmp_path: Path) -> None:
    """Jetty unpacks web pages into Java's temporary folder, and a daemon that is killed leaves them there."""
    program = "from hadoop_daemons import running; print(*running.command('any.Role', '1m'), sep='\\n')"
    env = {"CLUSTER_STATE": str(tmp_path), "PYTHONPATH": str(SCRIPTS), "PATH": os.environ["PATH"]}
    if not jars.is_there():
        pytest.skip("Apache Hadoop is not there")
    words = subprocess.check_output([sys.executable, "-c", program], env={**os.environ, **env}, text=True)
    assert f"-Djava.io.tmpdir={tmp_path}/tmp" in words.splitlines()


def test_the_shell_says_nothing_but_what_it_was_asked(tmp_path: Path) -> None:
    """Not that Hadoop's libraries of machine code are not there: the jars come without them."""
    if not jars.is_there() or shutil.which("java") is None:
        pytest.skip("Apache Hadoop is not there, or no Java")
    (tmp_path / "rows.csv").write_text("1\n")
    done = subprocess.run(
        [sys.executable, "-c", SHELL, f"file://{tmp_path}/rows.csv"],
        capture_output=True,
        text=True,
        env={**os.environ, "CLUSTER_STATE": str(tmp_path), "PYTHONPATH": str(SCRIPTS)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
