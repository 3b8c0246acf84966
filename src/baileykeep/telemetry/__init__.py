"""What the daemon says of itself: logs without secrets, and metrics."""

from baileykeep.telemetry.log import configure
from baileykeep.telemetry.metrics import Metrics
from baileykeep.telemetry.redaction import redact

__all__ = ["Metrics", "configure", "redact"]
