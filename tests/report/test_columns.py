"""The report says what became of the rows' columns."""

from nnspark.report import write_report


def test_columns_are_listed_where_the_run_says_them(make_run):
    """Names and words, escaped; no section without them."""
    said = {"age": "number; a missing one is 49", "a<b": "category: 3 values"}
    run = make_run()
    page = write_report(make_run(metrics={**run.metrics, "columns": said}))
    assert "<h2>Columns</h2>" in page
    assert "a missing one is 49" in page
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert "<h2>Columns</h2>" not in write_report(run)
