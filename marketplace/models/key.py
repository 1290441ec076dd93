"""Keys of forms, so that a form sent twice acts once."""

from typing import ClassVar

from django.db import models


class FormKey(models.Model):
    """A key made when a form was rendered, a hash of what was sent with it, and what came of it."""

    key = models.CharField(max_length=64, unique=True)
    input_hash = models.CharField(max_length=64)
    result = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at"], name="form_key_age")]

    def __str__(self) -> str:
        return self.key
