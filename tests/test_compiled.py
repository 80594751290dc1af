"""Compiled modules in a zip of sources, as PySpark's workers import them."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from compiled import add_compiled

SOURCES = {
    "one/__init__.py": "from one import two\n",
    "one/two.py": "answer = 42\n",
    "one/tests/__init__.py": "not Python",
    "one/data.txt": "as it is",
}


def test_modules_are_imported_compiled_and_all_sources_stay(tmp_path):
    """Once; tests are left as they are, whatever is in them."""
    zipped = tmp_path / "one.zip"
    with ZipFile(zipped, "w") as file:
        for name, text in SOURCES.items():
            file.writestr(name, text)
    assert add_compiled(zipped)
    assert not add_compiled(zipped)
    with ZipFile(zipped) as file:
        assert {name: file.read(name).decode() for name in SOURCES} == SOURCES
        assert set(file.namelist()) - set(SOURCES) == {"one/__init__.pyc", "one/two.pyc"}
    program = "import one; print(one.two.__file__, one.two.answer)"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(zipped)}, text=True, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert found.stdout.split() == [f"{zipped}/one/two.pyc", "42"]
    assert list(tmp_path.iterdir()) == [zipped]


def test_another_pythons_compiled_modules_are_passed_over(tmp_path):
    """An executor may have another Python: it compiles the sources, as it would without."""
    zipped = tmp_path / "one.zip"
    with ZipFile(zipped, "w") as file:
        file.writestr("one.py", "answer = 42\n")
        file.writestr("one.pyc", b"\\0" * 64)
    found = subprocess.run(
        [sys.executable, "-c", "import one; print(one.answer)"],
        env=os.environ | {"PYTHONPATH": str(zipped)}, text=True, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert found.stdout == "42\n"
