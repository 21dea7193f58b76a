"""The doorbell: how the web side says that there is work. Rows are the truth; a lost ring only costs a poll.

The only file that would know a task framework.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import DatabaseError

from image_studio.conf import conf
from image_studio.runner import listening
from image_studio.runner.draining import drain

_log = logging.getLogger("image_studio.runner")


def ring(job_ids: Sequence[UUID]) -> None:
    """Say that these jobs wait. Call it after the commit.

    ``poll`` does nothing: workers look by themselves. ``notify`` wakes the workers that listen on PostgreSQL.
    ``inline`` runs the jobs here and now, in this thread, and leaves those that are to be tried again later.
    """
    doorbell = conf().doorbell
    if doorbell == "inline" and job_ids:
        drain(job_ids=job_ids, wait=False)
    elif doorbell == "notify":
        try:
            listening.ring()
        except DatabaseError:
            # The jobs are committed: a ring that fails must not fail the request.
            _log.exception("doorbell is broken", extra={"action": "doorbell.broken"})
