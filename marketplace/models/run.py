"""When each sweep and audit last ran, for the support desk."""

from typing import ClassVar

from django.db import models


class SweepRun(models.Model):
    """The last run of one sweep, or of the audit (``name`` is then ``audit``)."""

    name = models.CharField(max_length=60, unique=True)
    at = models.DateTimeField()
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["name"]
        permissions: ClassVar = [("run_audit", "Can run the audit of the books")]

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M}"
