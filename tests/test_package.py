"""What scripts/package makes: a wheel that pip built, under a name that Spark takes."""

import hashlib
import importlib.util
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
import importlib.util
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


DRIVE = """
import importlib.util, sys
sys.path.insert(0, sys.argv[1])
sys.path += sys.argv[2:]  # Spark's own Python, as it is on a node
from pyspark.sql.pandas.utils import require_minimum_pandas_version, require_minimum_pyarrow_version
import nnspark.runs.commands.train, nnspark.model, nnspark.runs.progress, safetensors, threadpoolctl, tqdm
require_minimum_pandas_version()
require_minimum_pyarrow_version()
print(importlib.util.find_spec("sklearn"))
"""


def test_the_environment_has_what_a_driver_in_a_container_needs(archive: Path, tmp_path: Path) -> None:
    """In cluster mode on YARN: what mapInArrow asks for is there, scikit-learn is not."""
    packages = tmp_path / "site-packages"
    for path, name in bundle.installed_files():
        there = packages / name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(path)
    spark = tmp_path / "spark"
    spark.mkdir()
    for name in ("pyspark", "py4j"):
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.submodule_search_locations
        (spark / name).symlink_to(found.submodule_search_locations[0])
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", DRIVE, str(archive), str(packages), str(spark)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr


def test_what_packages_require_comes_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each; an extra's and another system's do not, and what is named itself has to be there."""
    found = bundle.all_packages()
    assert len(found) == len(set(found))
    assert {"pandas", "python-dateutil", "tzdata"} <= set(found)
    assert not {"colorama", "pytest", "scikit-learn"} & set(found)
    monkeypatch.setattr(bundle, "PACKAGES", ("numpy", "no-such-package"))
    with pytest.raises(bundle.PackageNotFoundError):
        bundle.all_packages()
