"""What a reviewer says to one picture, from the asset's page and from a contact sheet's cell alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.models import REJECT_REASONS, Asset, CheckResult
from image_studio.policy import Policy
from image_studio.states import JOB_ENDED
from image_studio.workflow import review
from image_studio.workflow.sheet import OFFERED, RIGHT

VERBS = ("approve", "override", "approve_publish", "reject", "publish", "withdraw")


class SayForm(forms.Form):
    """A note, and for a rejection its reason."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        required=False,
        choices=[("", gettext_lazy("Choose a reason")), *REJECT_REASONS.items()],
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=2000, widget=forms.TextInput(attrs={"size": 24})
    )


def say_controls() -> dict[str, SafeString]:
    """The fields of :class:`SayForm`, rendered once for all the cells of a page; their names are all they carry."""
    form = SayForm(auto_id=False)
    return {name: SafeString(form[name]) for name in form.fields}


def say(policy: Policy, asset: Asset, verb: str, data: Mapping[str, Any]) -> str:
    """Do it and return what to tell the person.

    :raises StudioError: whatever the workflow refuses.
    """
    note = str(data.get("note", ""))[:2000]
    if verb == "approve":
        review.approve(policy, asset, note=note)
        return _("Approved, not live yet.")
    if verb == "override":
        review.approve(policy, asset, note=note, override=True)
        return _("Approved over a failed check. The note is kept with the picture.")
    if verb == "approve_publish":
        review.approve_and_publish(policy, asset, note=note)
        return _("Approved. It is live as soon as its files are made.")
    if verb == "reject":
        review.reject(policy, asset, reason=str(data.get("reason", "")), note=note)
        return _("Rejected.")
    if verb == "publish":
        review.publish(policy, asset)
        return _("It is live as soon as its files are made.")
    review.withdraw(policy, asset, note=note)
    return _("Withdrawn: the public files are removed.")


def offered(policy: Policy, asset: Asset, verdicts: list[CheckResult]) -> frozenset[str]:
    """The verbs that this person may say to this picture now."""
    found = {verb for verb in OFFERED[asset.state] if policy.can(RIGHT[verb], asset)}
    if not asset.publishable or asset.expired or publishing(asset):
        found -= {"approve", "publish"}
    if "approve" in found and any(v.verdict == "fail" and v.blocks for v in verdicts):
        found.remove("approve")
        found |= {"override"} if policy.can("override", asset) else set()
    if "approve" in found and policy.can("publish", asset):
        found.add("approve_publish")
    return frozenset(found)


def publishing(asset: Asset) -> bool:
    """Whether its public files are on the way."""
    job = asset.publish_job
    return asset.state == "approved" and job is not None and job.state not in JOB_ENDED
