"""What may go live with an object, and what it may keep: saves, publishing, fields and blocks ask here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from image_studio.contrib.wagtail import editing
from image_studio.contrib.wagtail.models import StudioPageUse
from image_studio.contrib.wagtail.places import (
    has_drafts,
    parental_of,
    pictures_in,
    pointed_in,
    rows_inside,
    takes_pictures,
)
from image_studio.contrib.wagtail.using import is_of, rows_about
from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.wording import explain_error
from image_studio.workflow.showing import ever_out
from image_studio.workflow.usage import judge_choice


def judge_live(instance: Any) -> None:
    """Before an object that is live is saved: the last of the doors, behind all forms and :func:`judge_publishing`.

    :raises ValidationError: as :func:`judge`.
    """
    if getattr(instance, "live", True):
        judge(instance)


def judge_publishing(draft: Any) -> None:
    """Before Wagtail publishes a draft, and so before it forgets when the draft was due.

    :raises ValidationError: as :func:`judge`; never for what is only put on a schedule.
    """
    due = getattr(draft, "go_live_at", None)
    if takes_pictures(type(draft)) and not (due and due > timezone.now()):
        judge(draft)


def judge(instance: Any) -> None:
    """Every picture of an object must be out, or have been out: for that the public sees the fallback, and no harm.

    What the live object has already is asked nothing. Forms have said all this before, with the field; what publishes
    without a form (a bulk action, a schedule, a workflow, a script) ends here.

    :raises ValidationError: naming the first picture that was never out.
    """
    keys = pictures_in(instance)
    found = list(Asset.objects.filter(pk__in=keys).select_related("brand")) if keys else []
    out = ever_out(found)
    never = [asset for asset in found if asset.pk not in out]
    had = held(instance) if never else set()
    for asset in never:
        if asset.pk not in had:
            _refuse(asset)


def _refuse(asset: Asset) -> None:
    try:
        judge_choice(asset)
    except StudioError as error:
        words = _("“%(picture)s” can't be published: %(why)s")
        params = {"picture": str(asset), "why": explain_error(error)}
        raise ValidationError(words, code=error.code, params=params) from error


def held(instance: Any) -> set[UUID]:
    """What the live object has had before this save."""
    if instance.pk is None:
        return set()
    found = set(rows_about(instance).filter(side="live").values_list("asset_id", flat=True))
    stored = type(instance)._base_manager.filter(pk=instance.pk).first() if has_drafts(type(instance)) else None
    return found | (pointed_in(stored) if stored is not None and getattr(stored, "live", True) else set())


def publishing(draft: Any) -> None:
    """Note that a draft is being published: its fields may keep what was ever out, as its StreamFields do."""
    draft._state.studio_publishing = True


def may_keep(instance: Any, asset: Asset) -> bool:
    """Whether a field may keep a picture that its stored row does not have: a draft of the object has it."""
    if not ever_out([asset]):
        return False
    if getattr(instance._state, "studio_publishing", False):
        return True
    owner = _owner(instance)
    return owner is not None and rows_about(owner).filter(asset=asset, side="draft").exists()


def may_stay(asset: Asset) -> bool:
    """Whether a StreamField may keep a picture that it could not newly choose.

    The edited object must have it: live or in a draft what was ever out, live alone what was not. Where nobody knows
    which object that is, any object will do.
    """
    now = editing.current()
    rows = StudioPageUse.objects.all() if now is None else _edited(now.instance)
    found = rows.filter(asset=asset)
    return bool((found if ever_out([asset]) else found.filter(side="live")).exists())


def _edited(instance: Any) -> Any:
    """Of an object, and of the stored rows that are edited inside it."""
    if instance is None or instance.pk is None:
        return StudioPageUse.objects.none()
    wanted = is_of(instance)
    stored = type(instance)._base_manager.filter(pk=instance.pk).first()
    for row in rows_inside(stored) if stored is not None else ():
        wanted |= is_of(row)
    return StudioPageUse.objects.filter(wanted)


def _owner(instance: Any) -> Any:
    """The object that a row is edited in, or the row itself; None where it has none yet."""
    inside = parental_of(type(instance))
    if inside is None:
        return None if instance.pk is None else instance
    parent = getattr(instance, inside.name, None)
    return None if parent is None else _owner(parent)
