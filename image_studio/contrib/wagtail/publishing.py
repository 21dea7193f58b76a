"""The judge before Wagtail publishes.

Wagtail clears an object's schedule before it saves the object, in no transaction, and the command that publishes what
is due ends at the first object that can't be saved. There is no signal before; so the one method through which all
publishing goes is wrapped, and asks first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from wagtail.actions.publish_revision import PublishRevisionAction

from image_studio.contrib.wagtail import judging

logger = logging.getLogger("image_studio.wagtail")
#: Marks a method that is wrapped already.
MARK = "studio_judges"
#: How Wagtail's command says that it publishes: nobody looks on, and other pages are due too.
SCHEDULED = "wagtail.publish.scheduled"


def connect() -> None:
    """Pages and snippets both publish by it."""
    action: Any = PublishRevisionAction
    if not getattr(action.execute, MARK, False):
        action.execute = judged(action.execute)


def judged(execute: Callable[..., Any]) -> Callable[..., Any]:
    """``PublishRevisionAction.execute`` that changes nothing of what may not go live.

    :raises ValidationError: naming the picture; where it was due, it stays due and is logged instead.
    """

    @wraps(execute)
    def judge_and_execute(action: Any, skip_permission_checks: bool = False) -> Any:
        action.check(skip_permission_checks=skip_permission_checks)
        try:
            judging.judge_publishing(action.object)
        except ValidationError as error:
            if action.log_action != SCHEDULED:
                raise
            _wait(action, error)
            return None
        judging.publishing(action.object)
        return execute(action, skip_permission_checks=skip_permission_checks)

    setattr(judge_and_execute, MARK, True)
    return judge_and_execute


def _wait(action: Any, error: ValidationError) -> None:
    extra = {"action": "wagtail.schedule_waits", "object": str(action.object.pk), "revision": action.revision.pk}
    logger.warning("not published: %s", " ".join(error.messages), extra=extra)
