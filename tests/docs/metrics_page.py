"""`docs/metrics.md`, from the declarations of the metrics."""

from __future__ import annotations

from baileykeep.telemetry import Metrics
from tests.docs.markdown import table

INTRO = """\
# Metrics

`GET /metrics` answers in the text format of Prometheus. Names and labels are stable; new ones may be added. A company
that is gone takes its series with it.
"""


def page() -> str:
    """The whole page."""
    rows = [
        (f"`{metric.name}`", metric.type, ", ".join(f"`{label}`" for label in metric.labels) or "–", metric.doc)
        for metric in Metrics().declared()
    ]
    return f"{INTRO}\n{table(('metric', 'type', 'labels', 'meaning'), rows)}\n"
