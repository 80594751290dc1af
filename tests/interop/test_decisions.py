"""A calibration goes with a model to other programs, a threshold is refused there."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import one_line_error
from interop.nets import net, rows

from nnspark import interop
from nnspark.errors import ModelError
from nnspark.objective.decision import Decision
from nnspark.sources.table import numbered

CALIBRATED = {
    "one sigmoid": Decision(slope=0.6, offset=-0.4),
    "softmax of two": Decision(slope=1.7, offset=0.3),
    "softmax": Decision(slope=0.6),
    "labels": Decision(slope=0.6),
}


@pytest.mark.parametrize("end", CALIBRATED)
def test_probabilities_are_the_calibrated_ones_everywhere(end):
    """ONNX Runtime, scikit-learn, PyTorch's layers."""
    runtime = pytest.importorskip("onnxruntime")
    model = replace(net("tanh", end, scaled=False, names=numbered(6)), decision=CALIBRATED[end])
    X = rows(200, scaled=False)
    session = runtime.InferenceSession(interop.to_onnx(model).SerializeToString())
    found = session.run(["probabilities"], {"features": X})[0]
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-12)
    np.testing.assert_allclose(interop.to_sklearn(model).predict_proba(X), model.predict_proba(X), atol=1e-12)
    state = interop.to_state_dict(model)
    a = X
    for layer in (0, 2):
        a = np.tanh(a @ state[f"{layer}.weight"].T + state[f"{layer}.bias"])
    z = a @ state["4.weight"].T + state["4.bias"]
    plain = replace(model, decision=Decision())
    assert np.abs(z - plain.raw_outputs(X)).max() > 0.1


@pytest.mark.parametrize(
    "export", [interop.to_onnx, interop.to_sklearn, interop.to_mllib, interop.to_state_dict]
)
def test_a_threshold_is_refused_with_the_way_out(export):
    """Whoever compares the probabilities himself exports without."""
    model = replace(net("sigmoid", "softmax of two"), decision=Decision(threshold=0.3))
    with one_line_error("0.3", "with_threshold(0.5)", kind=ModelError):
        export(model)


def test_a_calibration_that_is_no_layers_is_refused():
    """Of several sigmoids whose shares are the probabilities."""
    model = replace(net("tanh", "sigmoids"), decision=Decision(slope=0.5))
    with one_line_error("3 sigmoids", "softmax", kind=ModelError):
        interop.to_onnx(model)
