"""The demo market's own time."""

from typing import ClassVar

from django.db import models


class DemoClock(models.Model):
    """One row: how far a demo database's clock runs ahead of the world's. It only grows."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    offset = models.DurationField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_demo_clock")
        ]

    def __str__(self) -> str:
        return f"{self.offset} from the world's clock"
