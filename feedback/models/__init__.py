"""Double-blind feedback's tables."""

from feedback.models.feedback import Feedback

__all__ = ["Feedback"]
