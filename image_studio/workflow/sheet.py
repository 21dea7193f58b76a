"""The contact sheet as data: everything a page shows of a set, in a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from image_studio.models import Asset, CheckResult, Job, JobOutput, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.runner import beats
from image_studio.states import JOB_ENDED
from image_studio.wording import explain

WORKING = ("leased", "sending", "spooled")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell as a person sees it.

    :param status: ``waiting``, ``working``, ``ready``, ``failed``, ``blocked``, ``unknown``, ``compose_failed`` or
        ``cancelled``.
    :param message: why there is no picture, in words; empty when there is one.
    :param actions: what this person may do now: of ``cancel``, ``retry`` and what :func:`review_actions` gives.
    """

    variant: Variant
    asset: Asset | None
    status: str
    message: str
    verdicts: tuple[CheckResult, ...]
    counts: Counter[str]
    publishing: bool
    actions: frozenset[str]

    @property
    def passed(self) -> int:
        return self.counts["pass"]

    @property
    def warned(self) -> int:
        return self.counts["warn"]

    @property
    def failed(self) -> int:
        return self.counts["fail"]

    @property
    def not_run(self) -> int:
        return self.counts["not_run"]

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        """The verdicts that disable approval."""
        return tuple(v for v in self.verdicts if v.verdict == "fail" and v.blocks)

    @property
    def blocked(self) -> bool:
        return bool(self.blocking)


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """A channel and a take, with a cell per locale (None where the matrix has none)."""

    channel: str
    name: str
    take: int
    width: int
    height: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A whole variant set. Money is integer micro-USD."""

    variant_set: VariantSet
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    counts: Counter[str]
    pictures_bought: int
    pictures_total: int
    micro_usd: int
    estimate_micro_usd: int
    active: bool
    worker_missing: bool
    can: frozenset[str]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(cell for row in self.rows for cell in row.cells if cell)


def sheet(policy: Policy, variant_set: VariantSet) -> Sheet:
    """Everything the contact sheet shows.

    :raises NotAllowed: for somebody else's set.
    """
    policy.require("view", variant_set)
    brand = variant_set.brand  # once, and its kit with it, for all the cells
    variants = list(
        variant_set.variants.select_related("channel", "job", "asset", "asset__publish_job", "asset__change_asked")
        .prefetch_related("asset__verdicts")
        .order_by("position")
    )
    for variant in variants:
        variant.variant_set = variant_set
        if variant.asset is not None:
            variant.asset.brand = brand
    jobs = list(Job.objects.filter(variant_set=variant_set))
    outputs = {(o.job_id, o.index): o for o in JobOutput.objects.filter(job__in=[job.pk for job in jobs])}
    can = frozenset(
        verb for verb in ("cancel", "retry", "recompose", "review", "publish") if policy.can(verb, variant_set)
    )
    cells = [_cell(policy, variant, outputs.get((variant.job_id, variant.output_index))) for variant in variants]
    columns = tuple(dict.fromkeys(variant.locale for variant in variants))
    pictures = [job for job in jobs if job.kind == "picture"]
    active = any(job.state not in JOB_ENDED for job in jobs) or any(cell.publishing for cell in cells)
    return Sheet(
        variant_set=variant_set,
        columns=columns,
        rows=_rows(cells, columns),
        counts=Counter(cell.status for cell in cells),
        pictures_bought=sum(1 for output in outputs.values() if output.asset_id),
        pictures_total=len({(variant.job_id, variant.output_index) for variant in variants}),
        micro_usd=sum(job.cost_micro_usd for job in pictures),
        estimate_micro_usd=sum(job.estimate_micro_usd for job in pictures),
        active=active,
        worker_missing=active and beats.alive() == 0,
        can=can,
    )


def _rows(cells: list[Cell], columns: tuple[str, ...]) -> tuple[SheetRow, ...]:
    by_row: dict[tuple[str, int], dict[str, Cell]] = {}
    for cell in cells:
        by_row.setdefault((cell.variant.channel.slug, cell.variant.take), {})[cell.variant.locale] = cell
    rows = []
    for (slug, take), in_row in by_row.items():
        spec = next(iter(in_row.values())).variant.channel_spec
        rows.append(
            SheetRow(
                channel=slug,
                name=spec["name"],
                take=take,
                width=spec["width"],
                height=spec["height"],
                cells=tuple(in_row.get(locale) for locale in columns),
            )
        )
    return tuple(rows)


def _cell(policy: Policy, variant: Variant, output: JobOutput | None) -> Cell:
    status, message = status_of(variant, output)
    asset = variant.asset
    verdicts = tuple(asset.verdicts.all()) if asset else ()
    job = asset.publish_job if asset else None
    publishing = bool(asset and asset.state == "approved" and job and job.state not in JOB_ENDED)
    if asset and job and job.state in ("failed", "blocked") and asset.state == "approved":
        message = explain(job.error_code, job.error_params)
    return Cell(
        variant=variant,
        asset=asset,
        status=status,
        message=message,
        verdicts=verdicts,
        counts=Counter(verdict.verdict for verdict in verdicts),
        publishing=publishing,
        actions=_actions(policy, variant, status, verdicts, publishing=publishing),
    )


def status_of(variant: Variant, output: JobOutput | None) -> tuple[str, str]:
    """A cell's status and, where it has no picture, the reason in words."""
    job = variant.job
    if variant.state in ("compose_failed", "cancelled", "ready"):
        return variant.state, explain(variant.error_code, variant.error_params) if variant.error_code else ""
    if output is not None and output.fault_code:
        return "failed", explain(output.fault_code, output.fault_params)
    if job.state in ("failed", "blocked", "unknown", "cancelled"):
        return job.state, explain(job.error_code, job.error_params) if job.error_code else ""
    waits = explain(job.error_code, job.error_params) if job.error_code else ""
    return ("working" if job.state in WORKING or job.state == "done" else "waiting"), waits


#: Asset state -> the review verbs that make sense there.
OFFERED = {
    "candidate": ("shortlist", "approve", "reject", "change"),
    "shortlisted": ("unshortlist", "approve", "reject", "change"),
    "approved": ("publish", "reject"),
    "rejected": ("approve", "change"),
    "published": ("withdraw",),
    "withdrawn": ("approve", "reject"),
}
RIGHT = {
    "approve": "review",
    "reject": "review",
    "change": "review",
    "shortlist": "shortlist",
    "unshortlist": "shortlist",
    "publish": "publish",
    "withdraw": "withdraw",
}


def review_actions(
    policy: Policy, asset: Asset, verdicts: Iterable[CheckResult], *, publishing: bool
) -> frozenset[str]:
    """What this person may say to a finished picture now: of :data:`RIGHT`, ``override`` and ``approve_publish``."""
    found = {verb for verb in OFFERED[asset.state] if policy.can(RIGHT[verb], asset)}
    if not asset.publishable or asset.expired or publishing:
        found -= {"approve", "publish"}
    own = policy.user is not None and asset.created_by_id == policy.user.pk
    if "approve" in found and own and asset.brand.kit.second_person:
        found.remove("approve")
    if "approve" in found and any(v.verdict == "fail" and v.blocks for v in verdicts):
        found.remove("approve")
        found |= {"override"} if policy.can("override", asset) else set()
    if "approve" in found and policy.can("publish", asset):
        found.add("approve_publish")
    return frozenset(found)


def _actions(
    policy: Policy, variant: Variant, status: str, verdicts: tuple[CheckResult, ...], *, publishing: bool
) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    if status in ("waiting", "working") and policy.can("cancel", variant.variant_set):
        found |= {"cancel"}
    if status in ("failed", "blocked", "compose_failed", "cancelled") and policy.can("retry", variant.variant_set):
        found |= {"retry"}
    if variant.asset is not None and status == "ready":
        found |= review_actions(policy, variant.asset, verdicts, publishing=publishing)
    return found
