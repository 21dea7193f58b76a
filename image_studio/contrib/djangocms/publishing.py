"""djangocms-versioning asks here before a version is published: a page with a picture that is not out stays a draft.

Two hooks, because there are two ways in: the admin asks ``Version.check_publish`` and shows its words; code that calls
``version.publish(user)`` asks nobody, and is stopped by the signal that comes before the state changes.
"""

from __future__ import annotations

from typing import Any

from cms.models import Placeholder
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from djangocms_versioning.conditions import Conditions
from djangocms_versioning.constants import OPERATION_PUBLISH
from djangocms_versioning.exceptions import ConditionFailed
from djangocms_versioning.models import Version
from djangocms_versioning.signals import pre_version_operation

from image_studio.contrib.djangocms.drafts import not_out
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.models import Asset
from image_studio.states import ASSET

#: As many pictures are named before the sentence is longer than anybody reads.
NAMED = 3


def guard() -> None:
    """Called once the apps are loaded."""
    conditions = Version.check_publish
    if pictures_are_out not in conditions:
        conditions.append(pictures_are_out)
    pre_version_operation.connect(_before, dispatch_uid="image_studio.contrib.djangocms")


def is_guarded() -> bool:
    """Whether this djangocms-versioning has the hooks still, and they lead here."""
    conditions = getattr(Version, "check_publish", None)
    return isinstance(conditions, Conditions) and pictures_are_out in conditions


def pictures_are_out(version: Any, user: Any) -> None:
    """A condition of djangocms-versioning.

    :raises ConditionFailed: naming the pictures that are not out.
    """
    waiting = waiting_on(version.content)
    if waiting:
        raise ConditionFailed(_why(waiting))


def waiting_on(content: Any) -> list[Asset]:
    """The pictures of a page, an alias or other content that keep it from being published."""
    if content is None:
        return []
    places = Placeholder.objects.get_for_obj(content)
    placed: Any = StudioPicture.objects.filter(placeholder__in=places).values("picture")
    return list(not_out(placed).order_by("pk"))


def _before(sender: Any, operation: str, obj: Any, **kwargs: Any) -> None:
    if operation == OPERATION_PUBLISH:
        pictures_are_out(obj, None)


def _why(waiting: list[Asset]) -> str:
    named = [f"“{asset}” ({ASSET.labels[asset.state]})" for asset in waiting[:NAMED]]
    more = len(waiting) - len(named)
    if more:
        named.append(ngettext("{n} more", "{n} more", more).format(n=more))
    return _(
        "This can't be published yet: it shows pictures that are not published: {pictures}. "
        "Have them approved and published in the studio, or choose others."
    ).format(pictures=", ".join(named))
