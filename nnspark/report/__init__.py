"""The page a person looks at when a run ends: record -> outcome, curves, confusion, samples -> page."""

from nnspark.report.commands import command_for
from nnspark.report.comparison import ComparisonRecord, write_comparison
from nnspark.report.earlier import Earlier, earlier_parts
from nnspark.report.live import live_page
from nnspark.report.page import write_report
from nnspark.report.record import RunRecord, describe_environment
from nnspark.report.samples import pick_samples
from nnspark.report.search import SearchRecord, Tried, write_search

__all__ = [
    "ComparisonRecord",
    "Earlier",
    "RunRecord",
    "SearchRecord",
    "Tried",
    "command_for",
    "describe_environment",
    "earlier_parts",
    "live_page",
    "pick_samples",
    "write_comparison",
    "write_report",
    "write_search",
]
