"""What falls due on the ground floor: e-mails, and keys of forms nobody will send any more."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace import notices, policy
from marketplace.models import FormKey
from marketplace.sweeping import sweep


@sweep("marketplace.emails", rows=notices.due, due_at="email_due_at", deadline=False)
def send(notice_id: int) -> bool:
    """Send what the queue did not."""
    return notices.deliver(notice_id)


@sweep(
    "marketplace.form_keys",
    rows=FormKey.objects.all,
    due_at="at",
    after=policy.FORM_KEY_KEPT,
    whole=True,
    deadline=False,
)
def forget(ids: Sequence[int]) -> None:
    """A form left open longer than that counts as a new one."""
    FormKey.objects.filter(pk__in=ids).delete()
