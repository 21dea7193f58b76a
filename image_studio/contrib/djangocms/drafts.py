"""Drafts of pages may hold pictures that are not out yet; nothing else may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cms.models import Placeholder
from django.apps import apps
from django.db.models import Q, QuerySet

from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow.browse import search
from image_studio.workflow.showing import ever_out
from image_studio.workflow.usage import judge_choice

#: What a draft may hold besides published pictures: what somebody may still approve and publish.
WAITING = ("candidate", "shortlisted", "approved")


def waits(asset: Asset) -> bool:
    """Whether a picture is not out yet, and may still come."""
    return asset.state in WAITING and asset.publishable and not asset.expired


def takes_drafts(placeholder: Placeholder | None) -> bool:
    """Whether what stands in this place is published by a deed of its own, which looks at its pictures first.

    Without versioning, or where the content is not versioned, a page is live the moment it is saved.
    """
    source = placeholder.source if placeholder is not None else None
    return source is not None and _is_versioned(source)


def is_draft(placeholder: Placeholder | None) -> bool:
    """Whether the content of this place is a draft now."""
    source = placeholder.source if placeholder is not None else None
    if source is None or not _is_versioned(source):
        return False
    version = source.versions.first()
    return version is not None and version.state == "draft"


def _is_versioned(source: Any) -> bool:
    if not apps.is_installed("djangocms_versioning"):
        return False
    extension: Any = apps.get_app_config("djangocms_versioning")
    return bool(extension.cms_extension.is_content_model_versioned(type(source)))


def looked_at_as_draft(request: Any, placeholder: Placeholder | None) -> bool:
    """Whether a draft is shown in its editor or its preview: both are addresses of the admin, for staff alone."""
    match = getattr(request, "resolver_match", None)
    return match is not None and "admin" in match.app_names and is_draft(placeholder)


def offered(
    policy: Policy, *, drafts: bool, channel: str = "", text: str = "", rows: QuerySet[Asset] | None = None
) -> QuerySet[Asset]:
    """The pictures that the person may put on a page, newest first.

    :param drafts: also those that are not out yet.
    :param channel: a slug; empty does not narrow.
    """
    states = Q(state="published")
    if drafts:
        states |= Q(state__in=WAITING, publishable=True)
    found: Any = (Asset.objects.all() if rows is None else rows).filter(states)
    found = found.unexpired()
    if channel:
        found = found.filter(channel__slug=channel)
    found = search(found, text) if text else found
    return policy.visible(found).select_related("brand", "channel").order_by("-pk")


def judge_placing(asset: Asset | None, *, policy: Policy | None, drafts: bool, channel: str = "") -> Asset:
    """The picture, if it may stand in this place.

    :raises InvalidRequest: as :func:`~image_studio.workflow.usage.judge_choice`.
    """
    if not drafts or asset is None or not waits(asset):
        return judge_choice(asset, policy=policy, channel=channel)
    if policy is not None and not policy.can("view", asset):
        raise InvalidRequest("usage.unknown")
    if channel and (asset.channel is None or asset.channel.slug != channel):
        raise InvalidRequest("usage.other_channel", channel=channel)
    return asset


def not_out(pictures: Sequence[Any]) -> QuerySet[Asset]:
    """Of the plugins' pictures, those that keep their page from being published.

    What was out once is not among them, whatever has become of it: withdrawn, rejected, approved anew, without rights.
    The page shows the fallback in its place.

    :param pictures: ids of pictures, or a query for them.
    """
    rows = Asset.objects.filter(pk__in=pictures).exclude(state__in=("published", "withdrawn"))
    return rows.exclude(pk__in=ever_out(rows))
