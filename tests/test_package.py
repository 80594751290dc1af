"""What scripts/package makes: a wheel that pip built, under a name that Spark takes."""

import hashlib
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import bundle  # noqa: E402

RENDER = """
import hashlib
from nnspark.report import RunRecord, write_report
import nnspark
print(nnspark.__file__)
print(hashlib.sha256(write_report(RunRecord("t", "", [], {}, commands=[("a", "b")])).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of this checkout."""
    return bundle.build_zip(tmp_path_factory.mktemp("dist"))


def test_every_file_of_the_package_is_in_the_zip(archive: Path) -> None:
    """Code, recipes, the mark of a typed package, the report's HTML and CSS; not the tour."""
    here = {
        Path(folder, name).relative_to(ROOT).as_posix()
        for folder, _, names in os.walk(ROOT / "nnspark", followlinks=True)
        for name in names
        if not name.endswith(".pyc") and Path(folder, name) != ROOT / "nnspark/README.md"
    }
    with ZipFile(archive) as files:
        assert {name for name in files.namelist() if ".dist-info/" not in name} == here
    assert {"nnspark/report/page.html", "nnspark/recipes/digits.toml", "nnspark/py.typed"} <= here


def test_the_zip_is_named_and_described_as_a_wheel(archive: Path) -> None:
    """Name and version are those of its metadata."""
    (about,) = distributions(path=[str(archive)])
    assert archive.name == f"{about.name}-{about.version}.zip"


def test_the_page_can_be_written_from_inside_the_zip(archive: Path, tmp_path: Path) -> None:
    """As where Spark has it by --py-files: templates are read out of the archive."""
    from nnspark.report import RunRecord, write_report

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(archive)!r}){RENDER}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    place, digest = done.stdout.split()
    assert place.startswith(str(archive))
    record = RunRecord("t", "", [], {}, commands=[("a", "b")])  # its own depend on where it is made
    assert digest == hashlib.sha256(write_report(record).encode()).hexdigest()


def test_the_same_sources_make_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    """No time and no place of the build is in it."""
    assert bundle.build_zip(tmp_path).read_bytes() == archive.read_bytes()
