"""What came of *Change this*: early versions while it works, candidates beside the picture before, and what is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.again import Button, of_step
from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.change_form import time_words
from image_studio.admin.edit_words import letter, told
from image_studio.admin.unknown import settle_url
from image_studio.conf import routes
from image_studio.models import STEP_REASONS, Asset, EditCandidate, EditStep, JobOutput, Variant
from image_studio.policy import Policy
from image_studio.states import JOB_ENDED
from image_studio.wording import explain
from image_studio.workflow import partials
from image_studio.workflow.cells import RESENDABLE
from image_studio.workflow.changing import base_of, sharing
from image_studio.workflow.tree import OVER

#: Status -> the look of the chip, and its words.
LOOKS: dict[str, tuple[str, Any]] = {
    "planned": ("waiting", gettext_lazy("Waiting")),
    "waiting": ("waiting", gettext_lazy("Waiting")),
    "working": ("working", gettext_lazy("Being changed")),
    "ready": ("ready", gettext_lazy("Ready")),
    "failed": ("failed", gettext_lazy("Failed")),
    "blocked": ("blocked", gettext_lazy("Blocked")),
    "cancelled": ("cancelled", gettext_lazy("Cancelled")),
    "unknown": ("unknown", gettext_lazy("Outcome unknown")),
}
TRY: dict[str, Any] = {
    "blocked": gettext_lazy(
        "Say it in other words below, or mark a smaller part. What you had asked for stands there."
    ),
    "failed": gettext_lazy("Try it again. If it fails the same way, ask on another route below."),
    "cancelled": gettext_lazy("Nothing was made of it. It can be asked for again below."),
    "unknown": gettext_lazy(
        "It may have been charged, so nothing sends it again by itself. Look at the provider first."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """One candidate as it is shown.

    :param told: drift and paste-back in words, each with the look of its mark.
    :param on_sheet: whether the contact sheet shows it already.
    """

    index: int
    asset: Asset | None
    chosen: bool
    fault: str
    told: Sequence[tuple[str, str]]
    on_sheet: bool = False

    @property
    def letter(self) -> str:
        return letter(self.index)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What the result panel says.

    :param before: the picture that was changed: without logo and words.
    :param cells: of the contact sheet that would take a result; 0 where none would.
    :param may: whether this person may say anything to it.
    """

    step: EditStep
    asset: Asset
    before: Asset
    results: Sequence[Result]
    may: bool
    cells: int = 0
    earlies: Sequence[str] = ()
    seconds: float | None = None

    @property
    def status(self) -> str:
        return self.step.status

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def look(self) -> str:
        return "rejected" if self.step.state == "rejected" else LOOKS[self.status][0]

    @property
    def label(self) -> Any:
        if self.step.state == "rejected":
            return _("Rejected")
        return _("Used") if self.step.state == "chosen" and self.status == "ready" else LOOKS[self.status][1]

    @property
    def fault(self) -> str:
        code, params = self.step.fault
        return explain(code, params) if code else ""

    @property
    def what_to_try(self) -> Any:
        return TRY.get(self.status, "")

    @property
    def cancelling(self) -> bool:
        job = self.step.job
        return bool(job and job.cancel_requested_at and job.state not in JOB_ENDED)

    @property
    def wait(self) -> str:
        if self.cancelling:
            return _("It is being stopped. What comes all the same is kept.")
        if self.status == "working":
            return _("It is being made.")
        return _("It is asked for, and waits for its turn.")

    @property
    def time(self) -> str:
        return time_words(self.seconds)

    @property
    def route(self) -> str:
        known = routes().get(self.step.route)
        return known.title if known else self.step.route

    @property
    def expected(self) -> range:
        """Places of pictures that are still to come."""
        return range(self.step.job.n if self.step.job else 1)

    @property
    def can(self) -> frozenset[str]:
        """What may be said now, as far as the page knows; the verbs judge again."""
        step, job = self.step, self.step.job
        if not self.may or step.chain.state != "open":
            return frozenset()
        if not self.over:
            return frozenset() if self.cancelling else frozenset({"cancel"})
        can = {"retry"} if job is not None and job.state in RESENDABLE else set()
        if self.status == "ready" and any(one.asset for one in self.results):
            can |= {"use"} | ({"take"} if self.cells else set())
            can |= {"reject"} if step.state != "rejected" else {"undecide"}
        return frozenset(can)

    @property
    def reasons(self) -> Mapping[str, Any]:
        return STEP_REASONS

    @property
    def settle_url(self) -> str:
        """Where an unknown outcome is adopted, sent again or written off."""
        job = self.step.job
        return settle_url(job.pk) if job and job.state == "unknown" else ""

    @cached_property
    def retry(self) -> Button:
        """The button that tries again."""
        return of_step(self.step)

    @property
    def history_url(self) -> str:
        return reverse("admin:image_studio_editchain_change", args=[self.step.chain_id]) + f"?step={self.step.number}"

    @property
    def sheet_url(self) -> str:
        cell = self.step.chain.cell
        if cell is None:
            return ""
        return reverse("admin:image_studio_variantset_change", args=[cell.variant_set_id]) + f"#cell-{cell.pk}"


def step_of(page: StudioAdmin, request: HttpRequest, asset_id: UUID, step_id: UUID) -> tuple[Asset, EditStep]:
    """A picture and a change of it.

    :raises Http404: for what is not there, for what this person may not know of, and for a step of another picture.
    """
    asset = page.found(request, str(asset_id))
    rows = EditStep.objects.select_related("job", "chain__brand__revision", "chain__cell__variant_set")
    step = rows.filter(pk=step_id, parent_number__isnull=False).first()
    if step is None or not policy_of(request).can("view", step.chain):
        raise Http404
    before = EditCandidate.objects.filter(step__chain=step.chain_id, step__number=step.parent_number or 0)
    if not before.filter(index=step.parent_candidate or 0, asset=base_of(asset)).exists():
        raise Http404
    return asset, step


def panel_of(policy: Policy, asset: Asset, step: EditStep, *, seconds: float | None = None) -> Panel:
    """Everything that the result panel shows, in a fixed number of queries."""
    cell = step.chain.cell
    return Panel(
        step=step,
        asset=asset,
        before=base_of(asset),
        results=_results(policy, step, cell),
        may=may_say(policy, step),
        cells=len(sharing(cell)) if cell and policy.can("recompose", cell.variant_set) else 0,
        earlies=_earlies(asset, step),
        seconds=seconds,
    )


def may_say(policy: Policy, step: EditStep) -> bool:
    """Django's own permission first, then what the brand allows."""
    user = policy.user
    return bool(user and user.has_perm("image_studio.add_editchain") and policy.can("generate", step.chain))


def _results(policy: Policy, step: EditStep, cell: Variant | None) -> list[Result]:
    rows = list(step.candidates.select_related("asset"))
    outputs = JobOutput.objects.filter(job=step.job_id).values_list("asset", "index") if step.job_id and cell else ()
    shown = {pk for pk, index in outputs if cell and cell.job_id == step.job_id and cell.output_index == index}
    found = []
    for row in rows:
        asset = row.asset if row.asset and policy.can("view", row.asset) else None
        found.append(
            Result(
                index=row.index,
                asset=asset,
                chosen=step.state == "chosen" and step.choice == row.index,
                fault=explain(row.fault_code, row.fault_params) if row.fault_code else "",
                told=list(told(row, step.kind)),
                on_sheet=asset is not None and asset.pk in shown,
            )
        )
    return found


def _earlies(asset: Asset, step: EditStep) -> list[str]:
    """The newest early version of each picture; each has an address of its own."""
    if step.job is None:
        return []
    found = sorted(partials.shown(step.job).items())
    name = "admin:image_studio_asset_edit_early"
    return [f"{reverse(name, args=[asset.pk, step.pk, index])}?n={row['number']}" for index, row in found]
