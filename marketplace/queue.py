"""Work that should happen at once, put into the queue as ids.

The queue makes it quick, a sweep makes it certain: every piece of work enqueued here is also a row
of ours with a due time, and both call the same function, which does nothing the second time.
"""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task


def soon(function: str, *ids: int | str) -> None:
    """Have a function called by a worker as soon as this transaction has committed.

    On the site's own database the task is a row of this transaction; a broker elsewhere is told
    after the commit.

    Args:
        function: dotted path of a function that takes the ids and may be called twice.
        ids: what it is called with.
    """
    if settings.Q_CLUSTER.get("orm"):
        async_task(function, *ids)
    else:
        transaction.on_commit(partial(async_task, function, *ids))
