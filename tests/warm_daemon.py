"""Spark's daemon of Python workers, for the tests' session: workers are its forks and need import nothing.

Failing tasks, other environments and a minute's rest end workers; the imports of the next take half a second.
The longest is PySpark's own from its zip file, whose directory a worker reads eighteen times before its first
task: here it is the installed one. What a worker has to import by itself is for the tests that start a Spark
of their own (``tests/jobs``, ``tests/cluster``): their daemons are Spark's.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

NAMES = (
    "pyspark.worker",
    "pyspark.ml",
    "pyspark.sql.pandas.serializers",
    "pandas",
    "nnspark.engines.frames",
    "nnspark.ml",
    "nnspark.runs.run",
    "nnspark.scoring.frame",
    "nnspark.training.loop",
)

if __name__ == "__main__":
    sys.path[:] = [path for path in sys.path if not path.endswith(".zip")]
    for name in NAMES:
        if find_spec(name.partition(".")[0]):
            import_module(name)
    for path in [path for path in sys.path_importer_cache if ".zip" in path]:
        del sys.path_importer_cache[path]  # read again whenever a worker is given files
    from pyspark import daemon

    daemon.manager()
