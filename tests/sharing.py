"""Which test process gets which file: all but the last begin with what needs a session of Spark.

A session's JVM takes ten seconds to start, and half a minute of a core until it is warm. So one process less
has one, and works at what has none, or a cluster of its own, for as long as there is some.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[1]
ROOMS = ("spark", "ml")  # whose fixtures need the session too
TAKES_IT = re.compile(r"^(?:def|    def) \w+\([^)]*\bspark\b", re.MULTILINE)


@cache
def needs_session(file: str) -> bool:
    """Whether a file's tests need the session."""
    return Path(file).parts[1] in ROOMS or TAKES_IT.search((ROOT / file).read_text()) is not None


class SessionsShared(LoadFileScheduling):
    """Files to processes, in their order, but for what the session asks for."""

    def _assign_work_unit(self, node: Any) -> None:
        with_session = node is not self.nodes[-1]
        first = next(
            (scope for scope in self.workqueue if needs_session(scope.partition("::")[0]) == with_session),
            None,
        )
        if first is not None:
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)
