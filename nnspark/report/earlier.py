"""What an earlier page of a run shows that the run's files do not hold: taken over as it is."""

import html
import re
from dataclasses import dataclass

__all__ = ["Earlier", "earlier_parts"]


@dataclass(frozen=True)
class Earlier:
    """Title and warnings as text; the parts on classes, pictures and environment as HTML, or ""."""

    title: str = ""
    warnings: tuple[str, ...] = ()
    classes: str = ""
    samples: str = ""
    environment: str = ""


def earlier_parts(page: str, weights_sha256: str) -> Earlier:
    """The parts of a page that ``write_report`` made; none if it is of other weights."""
    if not weights_sha256 or f'<code class="hash">{weights_sha256}</code>' not in page:
        return Earlier()
    main = page.partition("<main>")[2].rpartition("</main>")[0]
    head, *parts = re.split("(?=<h2>)", main)
    title = re.search("<h1>(.*?)</h1>", head, re.DOTALL)
    listed = re.search('<ul class="warnings">(.*?)</ul>', head, re.DOTALL)
    environment = re.search(
        '<div class="panel"><h3>Environment</h3>.*?</table></div></div>',
        parts[-1] if parts else "",
        re.DOTALL,
    )
    return Earlier(
        html.unescape(title[1]) if title else "",
        tuple(map(html.unescape, re.findall("<li>(.*?)</li>", listed[1], re.DOTALL))) if listed else (),
        next((part for part in parts if part.startswith("<h2>Classes ")), ""),
        next((part for part in parts if part.startswith("<h2>Rows as pictures<")), ""),
        environment[0] if environment else "",
    )
