"""The page a person looks at when a run ends: record -> outcome, curves, confusion, samples -> page."""

from nnspark.report.commands import command_for
from nnspark.report.earlier import Earlier, earlier_parts
from nnspark.report.page import write_report
from nnspark.report.record import RunRecord, describe_environment
from nnspark.report.samples import pick_samples

__all__ = [
    "Earlier",
    "RunRecord",
    "command_for",
    "describe_environment",
    "earlier_parts",
    "pick_samples",
    "write_report",
]
