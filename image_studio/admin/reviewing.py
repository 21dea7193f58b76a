"""What a reviewer says to one picture, from the asset's page and from a contact sheet's cell alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import DECLARATION, REJECT_REASONS, Asset, CheckResult
from image_studio.policy import Policy
from image_studio.states import JOB_ENDED
from image_studio.workflow import review
from image_studio.workflow.browse import clean
from image_studio.workflow.sheet import review_actions

VERBS = (
    "approve",
    "override",
    "approve_publish",
    "reject",
    "change",
    "shortlist",
    "unshortlist",
    "publish",
    "withdraw",
)


#: Digits of a picture's sum that a tick box carries: enough beside its id, and two hundred boxes stay light.
SUM = 12
MOST_NOTE = 2000


class SayForm(forms.Form):
    """A note, and for a rejection its reason."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        required=False,
        choices=[("", gettext_lazy("Choose a reason")), *REJECT_REASONS.items()],
    )
    declaration = forms.MultipleChoiceField(
        label=gettext_lazy("I confirm"),
        required=False,
        choices=list(DECLARATION.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=MOST_NOTE, widget=forms.TextInput(attrs={"size": 24})
    )


def say(policy: Policy, asset: Asset, verb: str, data: Mapping[str, Any]) -> str:
    """Do it and return what to tell the person.

    :raises StudioError: whatever the workflow refuses; ``object.changed`` where the form was about another picture.
    """
    note, seen = clean(str(data.get("note", "")), most=MOST_NOTE), stay_with(asset, data)
    release: dict[str, Any] = {"note": note, "seen": seen, "declaration": declared(data)}
    if verb == "approve":
        review.approve(policy, asset, **release)
        return _("Approved, not live yet.")
    if verb == "override":
        review.approve(policy, asset, override=True, **release)
        return _("Approved over a failed check. The note is kept with the picture.")
    if verb == "approve_publish":
        review.approve_and_publish(policy, asset, alt=alts(data), **release)
        return _("Approved. It is live as soon as its files are made.")
    if verb == "reject":
        review.reject(policy, asset, reason=str(data.get("reason", "")), note=note, seen=seen)
        return _("Rejected.")
    if verb == "change":
        review.change_this(policy, asset, note=note, region=region(data), seen=seen)
        return _("Asked for. The note stays with the picture.")
    if verb in ("shortlist", "unshortlist"):
        review.shortlist(policy, asset, on=verb == "shortlist")
        return _("On the shortlist.") if verb == "shortlist" else _("Off the shortlist.")
    if verb == "publish":
        review.publish(policy, asset, alt=alts(data))
        return _("It is live as soon as its files are made.")
    review.withdraw(policy, asset, note=note)
    return _("Withdrawn: the public files are removed.")


def stay_with(asset: Asset, data: Mapping[str, Any]) -> str:
    """What was said of one picture is never taken as said of the one that has its place now.

    Forms carry ``asset``, the picture that was shown, and ``seen``, the sum of its bytes or the start of it.

    :return: the sum that was seen; empty where the form carried none.
    :raises Conflict: ``object.changed``.
    """
    shown, seen = str(data.get("asset", "")), str(data.get("seen", ""))
    other = seen and (len(seen) < SUM or not asset.sha256.startswith(seen))
    if other or (shown and shown != str(asset.pk)):
        raise Conflict("object.changed")
    return asset.sha256 if seen else ""


def declared(data: Mapping[str, Any]) -> list[str]:
    """The points of the declaration that were ticked."""
    given = data.getlist("declaration") if hasattr(data, "getlist") else data.get("declaration", [])
    return [str(key) for key in given]


def alts(data: Mapping[str, Any]) -> dict[str, str]:
    """Alt texts that were written beside the button: fields ``alt_en``, ``alt_pt-BR``."""
    return {
        key.removeprefix("alt_"): words for key in data if key.startswith("alt_") and (words := clean(str(data[key])))
    }


EDGES = ("region_left", "region_top", "region_width", "region_height")


def region(data: Mapping[str, Any]) -> list[float] | None:
    """Where a change is wanted: ``region``, four fractions parted by commas, or four fields in per cent.

    Nothing given is the whole picture.

    :raises InvalidRequest: ``review.bad_region``.
    """
    text = str(data.get("region", "")).strip()
    typed = [str(data.get(edge, "")).strip() for edge in EDGES]
    try:
        if text:
            return [float(part) for part in text.split(",")]
        # A person may write 12,5 where their language does.
        return [float(part.replace(",", ".")) / 100 for part in typed] if any(typed) else None
    except ValueError:
        raise InvalidRequest("review.bad_region") from None


def offered(policy: Policy, asset: Asset, verdicts: list[CheckResult]) -> frozenset[str]:
    """The verbs that this person may say to this picture now."""
    return review_actions(policy, asset, verdicts, publishing=publishing(asset))


def publishing(asset: Asset) -> bool:
    """Whether its public files are on the way."""
    job = asset.publish_job
    return asset.state == "approved" and job is not None and job.state not in JOB_ENDED
