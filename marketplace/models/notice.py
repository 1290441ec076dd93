"""Notices: one row per recipient, shown in the inbox and sent by e-mail."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from marketplace.models.party import Party


class Notice(models.Model):
    """What one person is told, as facts; the text is rendered when it is read or sent.

    Told to a person as somebody who acts for a party, or, without an inbox, to an ``address``.
    ``email_due_at`` is when the e-mail is due next; NULL once it was sent or given up. Somebody
    who was invited and has no account yet is told at ``address`` instead of as a recipient.
    """

    kind = models.CharField(max_length=60)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notices",
    )
    party = models.ForeignKey(
        Party, on_delete=models.CASCADE, null=True, blank=True, related_name="notices"
    )
    address = models.EmailField(blank=True)
    facts = models.JSONField()
    path = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    email_due_at = models.DateTimeField(null=True, blank=True)
    email_sent_at = models.DateTimeField(null=True, blank=True)
    email_attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recipient", "party", "-id"], name="notice_inbox"),
            models.Index(
                fields=["recipient", "party"], name="notice_unread", condition=Q(read_at=None)
            ),
            models.Index(
                fields=["email_due_at"], name="notice_due", condition=~Q(email_due_at=None)
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(email_sent_at=None) | Q(email_due_at=None),
                name="notice_sent_is_not_due",
            ),
            models.CheckConstraint(
                condition=Q(recipient__isnull=False, party__isnull=False, address="")
                | (Q(recipient=None) & ~Q(address="")),
                name="notice_to_a_person_or_an_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient_id or self.address}"
