"""Puts compiled modules beside PySpark's sources in the zips that its workers import them from.

Spark gives its Python workers ``pyspark.zip``, whatever else is installed, and Python keeps nothing of what
it compiles from a zip: 1.2 s of a processor each time that workers start, for a session as for a test. Run
by ``scripts/_setup`` for the PySpark of .venv, once.
"""

import importlib.util
import os
import py_compile
import tempfile
import warnings
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

__all__ = ["add_compiled"]


def add_compiled(path: Path) -> bool:
    """Rewrite a zip of sources, in one step, as sources and what they compile to; False where it is one."""
    with tempfile.TemporaryDirectory() as folder, ZipFile(path) as sources:
        if any(name.endswith(".pyc") for name in sources.namelist()):
            return False
        source, compiled, partial = (
            Path(folder, "source"),
            Path(folder, "compiled"),
            Path(f"{path}.{os.getpid()}"),
        )
        with ZipFile(partial, "w", ZIP_DEFLATED, compresslevel=1) as both:
            for entry in sources.infolist():
                content = sources.read(entry)
                both.writestr(entry, content)
                if entry.filename.endswith(".py") and "/tests/" not in entry.filename:
                    source.write_bytes(content)
                    never = py_compile.PycInvalidationMode.UNCHECKED_HASH  # a zip is not written to
                    py_compile.compile(
                        str(source), str(compiled), entry.filename, doraise=True, invalidation_mode=never
                    )
                    both.write(compiled, entry.filename + "c")
    partial.replace(path)
    return True


if __name__ == "__main__":
    warnings.simplefilter("ignore", SyntaxWarning)
    found = importlib.util.find_spec("pyspark")
    for root in (found.submodule_search_locations or []) if found else []:
        for zipped in sorted(Path(root, "python/lib").glob("*.zip")):
            add_compiled(zipped)
