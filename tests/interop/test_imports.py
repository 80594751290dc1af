"""nnspark.interop imports what it converts to only when it converts."""

import subprocess
import sys


def test_nnspark_and_interop_import_none_of_the_others():
    """Nor do the room's own files for ONNX and MLflow."""
    code = (
        "import sys, nnspark; before = 'nnspark.interop' in sys.modules; import nnspark.interop.mlflow;"
        "others = ['onnx', 'mlflow', 'sklearn', 'pyspark', 'pandas', 'pyarrow'];"
        "print(before, [name for name in others if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False []"
