"""Load the small data sets that come with scikit-learn: digits (1,797 8×8 images) and iris (150 flowers)."""

from functools import partial

from nnspark.errors import DataError
from nnspark.sources.files import row_in
from nnspark.sources.table import DataRequest, Named, Table, make_table, refuse_weight, select_columns

__all__ = ["read_bundled"]


def read_bundled(request: DataRequest) -> Table:
    """Return the data set that `request.source` names; labels are the integers scikit-learn gives."""
    refuse_weight(request)
    try:
        from sklearn.datasets import load_digits, load_iris
    except ImportError as error:
        raise DataError(
            f"source {request.source!r} comes with scikit-learn: pip install scikit-learn"
        ) from error
    bunch = {"digits": load_digits, "iris": load_iris}[request.source]()
    features, names = select_columns(request, bunch.data, bunch.feature_names, request.source)
    locate = partial(row_in, request.source)
    return make_table(
        request,
        Named(features, f"the features of {request.source}", locate),
        Named(bunch.target, f"the labels of {request.source}", locate),
        names=names,
    )
