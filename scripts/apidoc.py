"""The pages of the public API, made by pdoc from the docstrings: ``apidoc.py FOLDER``.

Public are the modules of ``MODULES``, and in each the names of its ``__all__``. A warning of pdoc's, a public
name without a docstring or a public module that does not say what is public ends it with exit code 1.
"""

import importlib
import inspect
import re
import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render
from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession

from nnspark.engines import types

MODULES = (
    "nnspark",
    "nnspark.ml",
    "nnspark.sklearn",
    "nnspark.interop",
    "nnspark.interop.mlflow",
    "nnspark.recipe",
)
OF_PRIVATE = re.compile(r"(?: for|where) \S*\._\w+")  # such as pyspark's _paramMap: not on the pages


def main(folder: str) -> int:
    """Write the pages; the exit code."""
    # Annotations name Spark's classes by these; in the package they are strings: nothing imports pyspark.
    types.Context, types.Frame, types.Session = SparkContext, DataFrame, SparkSession
    bare = []
    for name in MODULES:
        module = importlib.import_module(name)
        for public in module.__all__:
            found = getattr(module, public)
            vars(module).setdefault(public, found)  # nnspark's own are imported at their first use
            if (inspect.isclass(found) or inspect.isroutine(found)) and not inspect.getdoc(found):
                bare.append(f"{name}.{public}")
    if bare:
        print("error: without a docstring:", ", ".join(bare), file=sys.stderr)
        return 1
    pdoc.render.configure(docformat="numpy", math=True, footer_text="nnspark")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)  # pdoc's own are such
        pdoc.pdoc(*MODULES, output_directory=Path(folder))
    said = dict.fromkeys(" ".join(str(warning.message).split()) for warning in warned)
    public = [one for one in said if not OF_PRIVATE.search(one)]
    for one in public:
        print("error:", one, file=sys.stderr)
    print(Path(folder, "index.html"))
    return 1 if public else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
