"""An edit history as it is shown: the tree with everything that a page says of it, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count

from image_studio.models import Asset, CheckResult, EditCandidate, EditChain, EditStep, Job
from image_studio.policy import Policy
from image_studio.states import JOB_ENDED
from image_studio.workflow import partials
from image_studio.workflow.cells import RESENDABLE

#: What a tree never shows, and what is heavy.
HEAVY_ASSET = ("recipe", "words", "alt", "tags")
#: Steps that nothing more comes of by itself.
OVER = frozenset({"ready", "failed", "blocked", "cancelled", "unknown"})


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A candidate as this person may see it.

    :param asset: None where its picture is gone, or is somebody else's.
    :param counts: verdict -> how many, of the shown picture.
    """

    candidate: EditCandidate
    asset: Asset | None = None
    chosen: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def index(self) -> int:
        return self.candidate.index


@dataclass(frozen=True, kw_only=True)
class Node:
    """A step in its place in the tree.

    :param children: numbers of the steps that grow from it, in their order.
    :param depth: steps between it and the start; 0 is the start.
    :param code: why it brought nothing, filled by ``params``; empty where nothing is wrong.
    :param early: output index -> the early version that can be seen now, as :func:`partials.shown` gives it.
    :param micro_usd: what it did cost; ``most`` what it may cost while that is not known.
    """

    step: EditStep
    status: str
    shown: tuple[Shown, ...] = ()
    children: tuple[int, ...] = ()
    depth: int = 0
    is_head: bool = False
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    early: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    micro_usd: int = 0
    most: int = 0
    cancelling: bool = False

    @property
    def number(self) -> int:
        return self.step.number

    @property
    def picture(self) -> Asset | None:
        """What stands for it in the tree: the chosen picture, else the first that there is."""
        best = sorted(self.shown, key=lambda one: (not one.chosen, one.index))
        return next((one.asset for one in best if one.asset), None)

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.status in OVER

    @property
    def may_retry(self) -> bool:
        job = self.step.job
        return job is not None and (job.state in RESENDABLE or (self.cancelling and job.state not in JOB_ENDED))

    @property
    def may_cancel(self) -> bool:
        return self.status in ("planned", "waiting", "working") and not self.cancelling


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A chain and all of its steps, by their numbers.

    :param may: whether this person may ask for steps here.
    """

    chain: EditChain
    nodes: tuple[Node, ...]
    may: bool = False

    @property
    def head(self) -> Node | None:
        return next((node for node in self.nodes if node.is_head), None)

    @property
    def active(self) -> bool:
        """Whether something still comes. What is planned comes only after a step that is under way."""
        return any(not node.over and node.status != "planned" for node in self.nodes)

    @property
    def micro_usd(self) -> int:
        """What all steps did cost, the rejected ones too."""
        return sum(node.micro_usd for node in self.nodes)

    @property
    def most(self) -> int:
        """What may come on top of that."""
        return sum(node.most for node in self.nodes)

    def node(self, number: int) -> Node | None:
        return next((node for node in self.nodes if node.number == number), None)

    def path(self, number: int) -> tuple[Node, ...]:
        """From the start to a step; empty for a number that there is not."""
        by_number = {node.number: node for node in self.nodes}
        found: list[Node] = []
        node = by_number.get(number)
        while node is not None:
            found.append(node)
            node = by_number.get(node.step.parent_number or 0)
        return tuple(reversed(found))


def tree(policy: Policy, chain: EditChain) -> Tree:
    """Everything of a chain, in three queries whatever its length, and one more where a step can be tried again.

    :raises NotAllowed: for somebody who may not see it.
    """
    policy.require("view", chain)
    steps = list(chain.steps.select_related("job").defer("job__request"))
    for step in steps:
        step.chain = chain
    _read_requests(steps)
    candidates = _candidates(steps)
    counts = _counts(one.asset_id for rows in candidates.values() for one in rows)
    children = _children(steps)
    depths: dict[int, int] = {}
    nodes = []
    for step in steps:
        depths[step.number] = depths.get(step.parent_number or 0, -1) + 1
        shown = tuple(_shown(policy, step, one, counts) for one in candidates.get(step.pk, ()))
        nodes.append(_node(step, shown, children.get(step.number, ()), depths[step.number], chain.head))
    return Tree(chain=chain, nodes=tuple(nodes), may=policy.can("generate", chain) and chain.state == "open")


def _read_requests(steps: Iterable[EditStep]) -> None:
    """Only of the jobs that can be tried again: their requests tell what that costs."""
    ended = {step.job.pk: step.job for step in steps if step.job and step.job.state in RESENDABLE}
    for pk, request in Job.objects.filter(pk__in=ended).values_list("pk", "request") if ended else ():
        ended[pk].request = request


def _candidates(steps: Iterable[EditStep]) -> dict[UUID, list[EditCandidate]]:
    heavy = [f"asset__{name}" for name in HEAVY_ASSET]
    rows = EditCandidate.objects.filter(step__in=[step.pk for step in steps]).select_related("asset").defer(*heavy)
    found: dict[UUID, list[EditCandidate]] = {}
    for row in rows.order_by("step", "index"):
        found.setdefault(row.step_id, []).append(row)
    return found


def _counts(assets: Iterable[UUID | None]) -> dict[UUID, dict[str, int]]:
    wanted = [pk for pk in assets if pk]
    rows = CheckResult.objects.filter(asset__in=wanted).order_by().values_list("asset", "verdict")
    found: dict[UUID, dict[str, int]] = {}
    for asset, verdict, number in rows.annotate(number=Count("pk")):
        found.setdefault(asset, {})[verdict] = number
    return found


def _children(steps: Iterable[EditStep]) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for step in steps:
        if step.parent_number is not None:
            found[step.parent_number] = (*found.get(step.parent_number, ()), step.number)
    return found


def _shown(policy: Policy, step: EditStep, one: EditCandidate, counts: Mapping[UUID, Mapping[str, int]]) -> Shown:
    asset = one.asset if one.asset and policy.can("view", one.asset) else None
    return Shown(
        candidate=one,
        asset=asset,
        chosen=step.state == "chosen" and step.choice == one.index,
        counts=counts.get(asset.pk, {}) if asset else {},
    )


def _node(step: EditStep, shown: tuple[Shown, ...], children: tuple[int, ...], depth: int, head: int) -> Node:
    job, (code, params) = step.job, step.fault
    return Node(
        step=step,
        status=step.status,
        shown=shown,
        children=children,
        depth=depth,
        is_head=step.number == head,
        code=code,
        params=params,
        early=partials.shown(job) if job else {},
        micro_usd=job.cost_micro_usd if job else 0,
        most=_most(job) if job else int(step.plan.get("most", 0)) if step.status == "planned" else 0,
        cancelling=bool(job and job.cancel_requested_at and job.state not in JOB_ENDED),
    )


def _most(job: Job) -> int:
    """What is not settled yet; an unknown outcome may have been charged."""
    return job.estimate_micro_usd if job.state not in JOB_ENDED or job.state == "unknown" else 0
