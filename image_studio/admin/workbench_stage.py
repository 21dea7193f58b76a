"""The middle of the workbench: one step with its picture, its candidates, and what may be said to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from image_studio import conf as site
from image_studio.admin.again import Button, of_step
from image_studio.admin.base import picture_url
from image_studio.admin.contact_sheet import said
from image_studio.admin.edit_words import letter, short, told
from image_studio.admin.unknown import settle_url
from image_studio.admin.workbench_tree import BUSY, look_of
from image_studio.models import REFERENCE_ROLES, STEP_KINDS, Asset, EditChain, EditFile
from image_studio.policy import Policy
from image_studio.wording import explain
from image_studio.wording.money import spent_words
from image_studio.workflow.tree import Node, Shown

TRY: dict[str, Any] = {
    "blocked": gettext_lazy(
        "Say it in other words, or mark a smaller part. “Ask again, differently” keeps everything that you had chosen."
    ),
    "failed": gettext_lazy("Try it again. If it fails the same way, ask on another route."),
    "cancelled": gettext_lazy("Nothing was made of it. It can be asked for again."),
    "unknown": gettext_lazy(
        "It may have been charged, so nothing sends it again by itself. Look at the provider first."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One picture of a step beside the others."""

    index: int
    asset: Asset | None
    chosen: bool
    current: bool
    fault: str
    drift: str

    @property
    def letter(self) -> str:
        return letter(self.index)

    @property
    def name(self) -> str:
        return _("candidate {letter}").format(letter=self.letter)

    @property
    def picture(self) -> str:
        return picture_url(self.asset.pk) if self.asset else ""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A step as the page's middle shows it.

    :param index: which candidate is looked at; None while there is none.
    :param can: what may be said to it now.
    :param told: drift and paste-back in words, each with the look of its mark.
    """

    node: Node
    index: int | None
    asset: Asset | None
    candidates: Sequence[Candidate]
    can: frozenset[str]
    before_asset: Asset | None = None
    heat: str = ""
    told: Sequence[tuple[str, str]] = ()
    verdicts: Sequence[Any] = ()
    inputs: Sequence[tuple[str, str, int, int]] = ()
    earlies: Sequence[str] = ()

    @property
    def number(self) -> int:
        return self.node.step.number

    @property
    def parent(self) -> int | None:
        return self.node.step.parent_number

    @property
    def parent_index(self) -> int | None:
        return self.node.step.parent_candidate

    @property
    def kind(self) -> Any:
        return STEP_KINDS[self.node.step.kind]

    @property
    def instruction(self) -> str:
        return self.node.step.instruction

    @property
    def head(self) -> bool:
        return self.node.is_head

    @property
    def chip(self) -> str:
        return look_of(self.node)[1]

    @property
    def label(self) -> Any:
        return look_of(self.node)[2]

    @property
    def chosen(self) -> bool:
        return self.node.step.state == "chosen"

    @property
    def busy(self) -> bool:
        return self.node.status in BUSY

    @property
    def paintable(self) -> bool:
        return "ask" in self.can

    @property
    def draws(self) -> bool:
        """Whether any route of this site has a model that reads drawings."""
        models = (site.model(route.provider, route.model) for route in site.routes().values())
        return any(model is not None and model.takes_markup for model in models)

    @property
    def picture(self) -> str:
        return picture_url(self.asset.pk) if self.asset else ""

    @property
    def full(self) -> str:
        return picture_url(self.asset.pk, "full") if self.asset else ""

    @property
    def before(self) -> str:
        return picture_url(self.before_asset.pk, "full") if self.before_asset and self.asset else ""

    @property
    def coming(self) -> str:
        """What stands in the place of a picture that is still to come: the one that it grows from."""
        return picture_url(self.before_asset.pk) if self.before_asset and self.busy else ""

    @property
    def alt(self) -> str:
        return (self.asset.alt_for() or str(self.asset)) if self.asset else ""

    @property
    def facts(self) -> str:
        """Route, size, price, who and when."""
        step = self.node.step
        route = site.routes().get(step.route)
        parts = [
            route.title if route else step.route,
            f"{self.asset.width} × {self.asset.height}" if self.asset else "",
            spent_words(step.job.cost_micro_usd) if step.job and step.job.cost_micro_usd else "",
            step.actor_label,
            date_format(localtime(step.created_at), "SHORT_DATETIME_FORMAT"),
        ]
        return ", ".join(part for part in parts if part)

    @property
    def wait(self) -> str:
        """What an empty stage says."""
        if self.node.status == "planned":
            return _("It begins once the step before has its picture.")
        if self.node.status == "waiting" and not self.node.cancelling:
            return _("It is asked for, and waits for its turn.")
        if self.busy:
            stopping = _("It is being stopped. What comes all the same is kept.")
            return stopping if self.node.cancelling else _("It is being made. What comes is shown here.")
        return _("Its picture is gone. What was asked for and what it cost stay in the history.")

    @property
    def fault(self) -> str:
        if self.node.code:
            return explain(self.node.code, self.node.params)
        return _("This step was cancelled.") if self.node.status == "cancelled" else ""

    @property
    def what_to_try(self) -> Any:
        return TRY.get(self.node.status, "")

    @property
    def settle_url(self) -> str:
        """Where a step of unknown outcome is adopted, sent again or written off."""
        job = self.node.step.job
        return settle_url(job.pk) if job and job.state == "unknown" else ""

    @cached_property
    def retry(self) -> Button:
        """The button that tries again."""
        return of_step(self.node.step)

    @property
    def verdict_words(self) -> str:
        bad = sum(one.result.verdict in ("fail", "warn") for one in self.verdicts)
        if not bad:
            return _("Verdicts: nothing was found")
        return ngettext("Verdicts: {n} thing to look at", "Verdicts: {n} things to look at", bad).format(n=bad)


def stage_of(
    policy: Policy, chain: EditChain, nodes: Mapping[int, Node], number: int, candidate: int | None, *, may: bool
) -> Stage:
    """One step, looked at.

    :param candidate: which of its pictures; None takes the chosen one, or the first.
    :param may: whether this person may say anything here.
    """
    node = nodes[number]
    shown = _looked_at(node, candidate)
    asset = shown.asset if shown else None
    before = _before(nodes, node)
    return Stage(
        node=node,
        index=shown.index if shown else None,
        asset=asset,
        candidates=_candidates(node, shown) if node.step.kind != "start" else (),
        can=_can(chain, node, asset, may),
        before_asset=before if before and before != asset else None,
        heat=_heat(chain, shown),
        told=list(told(shown.candidate, node.step.kind)) if shown else (),
        verdicts=said(list(asset.verdicts.all())) if asset and node.step.parent_number else (),
        inputs=_inputs(policy, chain, node),
        earlies=_earlies(chain, node),
    )


def _looked_at(node: Node, candidate: int | None) -> Shown | None:
    """The picture that is asked for, else the chosen one, else the first that there is."""
    for wanted in (candidate, node.step.choice):
        found = next((one for one in node.shown if one.index == wanted and one.asset), None)
        if found:
            return found
    return next((one for one in node.shown if one.asset), None)


def _before(nodes: Mapping[int, Node], node: Node) -> Asset | None:
    """The picture that it grew from."""
    above = nodes.get(node.step.parent_number or 0)
    if above is None:
        return None
    wanted = node.step.parent_candidate
    return next((one.asset for one in above.shown if one.index == wanted), above.picture)


def _heat(chain: EditChain, shown: Shown | None) -> str:
    if shown is None or shown.asset is None or not shown.candidate.drift:
        return ""
    return reverse("admin:image_studio_editchain_heat", args=[chain.pk, shown.asset.pk])


def _candidates(node: Node, shown: Shown | None) -> list[Candidate]:
    return [
        Candidate(
            index=one.index,
            asset=one.asset,
            chosen=one.chosen,
            current=one is shown,
            fault=explain(one.candidate.fault_code, one.candidate.fault_params) if one.candidate.fault_code else "",
            drift=short(one.candidate.drift),
        )
        for one in node.shown
    ]


def _can(chain: EditChain, node: Node, asset: Asset | None, may: bool) -> frozenset[str]:
    """What may be said to a step, as far as the page knows; the verbs judge again."""
    step, status = node.step, node.status
    if not may or chain.state != "open":
        return frozenset()
    if status in BUSY:
        return frozenset({"cancel"} if node.may_cancel else {"retry"} if node.may_retry else ())
    can = {"again"} if step.parent_number else set()
    if node.may_retry:
        can.add("retry")
    if status == "ready":
        begins = step.parent_number is None and step.kind == "start"
        can |= {"choose"} if not begins else set()
        can |= {"reject"} if step.parent_number and step.state != "rejected" else set()
        can |= {"undecide"} if step.state != "open" and not begins else set()
        can |= {"head"} if not node.is_head and step.state != "rejected" and asset else set()
    if asset:
        can |= {"fork", "ask"} | ({"take"} if chain.cell_id and step.parent_number else set())
    return frozenset(can)


def _earlies(chain: EditChain, node: Node) -> list[str]:
    """The newest early version of each picture, each address its own."""
    job = node.step.job
    if job is None:
        return []
    url = "admin:image_studio_editchain_partial"
    return [
        f"{reverse(url, args=[chain.pk, job.pk, index])}?v={row['number']}" for index, row in sorted(node.early.items())
    ]


def _inputs(policy: Policy, chain: EditChain, node: Node) -> list[tuple[str, str, int, int]]:
    """What went along, as far as it is still there and this person may see it."""
    rows = node.step.inputs
    ids = [row["asset"] for row in rows if row.get("asset")]
    seen = (
        {str(pk) for pk in policy.visible(Asset.objects.filter(pk__in=ids)).values_list("pk", flat=True)}
        if ids
        else set()
    )
    files = [row["file"] for row in rows if row.get("file")]
    kept = (
        {str(pk) for pk in EditFile.objects.filter(chain=chain, pk__in=files).values_list("pk", flat=True)}
        if files
        else set()
    )
    found = []
    for row in rows:
        width, height = (row.get("size") or (1, 1))[:2]
        url = ""
        if row.get("asset") in seen:
            url = picture_url(row["asset"])
        elif row.get("file") in kept:
            url = reverse("admin:image_studio_editchain_file", args=[chain.pk, row["file"]])
        elif row.get("role") == "mask":
            continue  # drawn by the worker around an extended picture: nothing that anybody made
        found.append((_role(row), url, width, height))
    return found


def _role(row: Mapping[str, Any]) -> str:
    names: dict[str, Any] = {"source": _("The picture before"), "mask": _("Marked part"), "markup": _("Drawing")}
    role = row.get("role", "")
    return str(names.get(role) or REFERENCE_ROLES.get(row.get("as", "other"), role))
