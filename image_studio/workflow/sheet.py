"""The contact sheet as data: everything a page shows of a set, in a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, CharField, Count, F, QuerySet, Value, When

from image_studio.models import Asset, CheckResult, Job, JobOutput, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.runner import beats
from image_studio.states import JOB_ENDED
from image_studio.wording import explain
from image_studio.workflow import partials
from image_studio.workflow.cells import Again, bought_again
from image_studio.workflow.progress import money_left, seconds_left
from image_studio.workflow.review import content_judged, content_moderated

WORKING = ("leased", "sending", "spooled")
#: What a person may say to a set as a whole, or to several of its cells.
SET_VERBS = ("cancel", "retry", "recompose", "shortlist", "review", "publish")
#: Told of judgements only: a group for every reason of every check would be thousands of rows.
_REASON = Case(When(kind="judged", then=F("code")), default=Value(""), output_field=CharField())


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell as a person sees it.

    :param status: ``waiting``, ``working``, ``ready``, ``failed``, ``blocked``, ``unknown``, ``compose_failed`` or
        ``cancelled``.
    :param message: why there is no picture, in words; empty when there is one.
    :param verdicts: all of them, the failed ones only where no evidence was asked for; ``counts`` has all always.
    :param judged: whether something has judged what the picture shows, and not the layout alone.
    :param moderated: what moderation says of what it shows, ``pass``, ``warn`` or ``fail``; empty: it did not look.
    :param partial: which early version can be seen while it works, counted from 1; 0 is none.
    :param again: what trying it again buys; None where that is free, and where there is nothing to try again.
    :param actions: what this person may do now: of ``cancel``, ``retry`` and what :func:`review_actions` gives.
    """

    variant: Variant
    asset: Asset | None
    status: str
    message: str
    verdicts: tuple[CheckResult, ...]
    counts: Counter[str]
    judged: bool
    moderated: str
    partial: int
    publishing: bool
    again: Again | None
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
    """A whole variant set. Money is integer micro-USD.

    :param estimate_micro_usd: the most that its pictures may cost together.
    :param left_micro_usd: the most that those still to come may cost.
    :param seconds_left: about how long they take; None where nobody can know.
    """

    variant_set: VariantSet
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    cells: tuple[Cell, ...]
    counts: Counter[str]
    pictures_bought: int
    pictures_total: int
    micro_usd: int
    estimate_micro_usd: int
    left_micro_usd: int
    seconds_left: int | None
    active: bool
    worker_missing: bool
    can: frozenset[str]


def sheet(policy: Policy, variant_set: VariantSet, *, evidence: bool = True) -> Sheet:
    """Everything the contact sheet shows; ``cells`` are in the order of the matrix.

    :param evidence: False leaves out what only a closer look needs: the verdicts that did not fail, and recipes.
    :raises NotAllowed: for somebody else's set.
    """
    policy.require("view", variant_set)
    jobs = {job.pk: job for job in Job.objects.filter(variant_set=variant_set).defer("request")}
    variants = list(_variants(variant_set, jobs, variant_set.variants.all(), evidence=evidence))
    # Those of an edit history too, whose picture a cell took.
    bought = {variant.job_id for variant in variants} | jobs.keys()
    outputs = {(o.job_id, o.index): o for o in JobOutput.objects.filter(job__in=bought)}
    cells = _cells(policy, variants, outputs, evidence=evidence)
    columns = tuple(dict.fromkeys(variant.locale for variant in variants))
    wanted = {(variant.job_id, variant.output_index) for variant in variants}
    pictures = [job for job in jobs.values() if job.kind == "picture"]
    working = any(job.state not in JOB_ENDED for job in jobs.values())
    return Sheet(
        variant_set=variant_set,
        columns=columns,
        rows=_rows(cells, columns),
        cells=tuple(cells),
        counts=Counter(cell.status for cell in cells),
        pictures_bought=sum(1 for picture in wanted if picture in outputs and outputs[picture].asset_id),
        pictures_total=len(wanted),
        micro_usd=sum(job.cost_micro_usd for job in pictures),
        estimate_micro_usd=sum(job.estimate_micro_usd for job in pictures),
        left_micro_usd=money_left(pictures),
        seconds_left=seconds_left(variant_set, pictures) if working else None,
        active=working or any(cell.publishing for cell in cells),
        worker_missing=working and beats.alive() == 0,
        can=frozenset(verb for verb in SET_VERBS if policy.can(verb, variant_set)),
    )


def some_cells(policy: Policy, variant_set: VariantSet, ids: Iterable[UUID]) -> tuple[Cell, ...]:
    """Some cells of a set with all their evidence, in the order of the matrix; ids of other sets are left out.

    :raises NotAllowed: for somebody else's set.
    """
    policy.require("view", variant_set)
    rows = variant_set.variants.filter(pk__in=list(ids))
    jobs = {job.pk: job for job in Job.objects.filter(variants__in=rows).distinct()}
    variants = list(_variants(variant_set, jobs, rows, evidence=True))
    outputs = {(o.job_id, o.index): o for o in JobOutput.objects.filter(job__in=list(jobs))}
    return tuple(_cells(policy, variants, outputs, evidence=True))


def _variants(
    variant_set: VariantSet, jobs: Mapping[UUID, Job], rows: QuerySet[Variant], *, evidence: bool
) -> Iterable[Variant]:
    """The set's rows with what they point at, each object once: its brand has the kit, a job the whole request."""
    joined = rows.select_related("channel", "asset", "asset__publish_job", "asset__change_asked")
    light = () if evidence else ("asset__recipe", "asset__words", "asset__publish_job__request")
    found = list(joined.defer(*light).order_by("position"))
    # A picture that was taken from an edit history was bought there.
    taken = {variant.job_id for variant in found} - jobs.keys()
    jobs = {**jobs, **Job.objects.in_bulk(taken)} if taken else jobs
    for variant in found:
        variant.variant_set, variant.job = variant_set, jobs[variant.job_id]
        if variant.asset is not None:
            variant.asset.brand = variant_set.brand
        yield variant


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """What the checks say of many pictures: asset -> its verdicts, how many of each, whether content was judged."""

    verdicts: Mapping[UUID, tuple[CheckResult, ...]]
    counts: Mapping[UUID, Counter[str]]
    judged: frozenset[UUID]
    moderated: Mapping[UUID, str]

    @classmethod
    def of(cls, variants: Iterable[Variant], *, whole: bool) -> _Evidence:
        ids = [variant.asset_id for variant in variants if variant.asset_id]
        rows = CheckResult.objects.filter(asset__in=ids)
        counts: dict[UUID, Counter[str]] = {}
        said: dict[UUID, set[tuple[str, str]]] = {}
        grouped = rows.order_by().annotate(reason=_REASON).values_list("asset_id", "verdict", "kind", "reason")
        for asset, verdict, kind, reason, n in grouped.annotate(n=Count("pk")):
            counts.setdefault(asset, Counter())[verdict] += n
            if kind == "judged" and verdict != "not_run":
                said.setdefault(asset, set()).add((reason, verdict))
        verdicts: dict[UUID, list[CheckResult]] = {}
        for result in rows if whole else rows.filter(verdict="fail"):
            verdicts.setdefault(result.asset_id, []).append(result)
        found = {asset: tuple(results) for asset, results in verdicts.items()}
        return cls(
            verdicts=found,
            counts=counts,
            judged=frozenset(asset for asset, reasons in said.items() if content_judged(reasons)),
            moderated={asset: content_moderated(reasons) for asset, reasons in said.items()},
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


def _cells(
    policy: Policy,
    variants: Collection[Variant],
    outputs: Mapping[tuple[UUID, int], JobOutput],
    *,
    evidence: bool,
) -> list[Cell]:
    found = _Evidence.of(variants, whole=evidence)
    again = bought_again(variants, {key: output.asset_id is not None for key, output in outputs.items()})
    at = {one.pk: outputs.get((one.job_id, one.output_index)) for one in variants}
    return [_cell(policy, one, at[one.pk], found, again.get(one.pk)) for one in variants]


def _cell(policy: Policy, variant: Variant, output: JobOutput | None, evidence: _Evidence, again: Again | None) -> Cell:
    status, message = status_of(variant, output)
    asset = variant.asset
    verdicts = evidence.verdicts.get(asset.pk, ()) if asset else ()
    job = asset.publish_job if asset else None
    publishing = bool(asset and asset.state == "approved" and job and job.state not in JOB_ENDED)
    if asset and job and job.state in ("failed", "blocked") and asset.state == "approved":
        message = explain(job.error_code, job.error_params)
    early = partials.shown(variant.job).get(variant.output_index) if status == "working" else None
    return Cell(
        variant=variant,
        asset=asset,
        status=status,
        message=message,
        verdicts=verdicts,
        counts=evidence.counts.get(asset.pk, Counter()) if asset else Counter(),
        judged=bool(asset and asset.pk in evidence.judged),
        moderated=evidence.moderated.get(asset.pk, "") if asset else "",
        partial=early["number"] + 1 if early else 0,
        publishing=publishing,
        again=again,
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
    if "approve" in found and asset.is_of(policy.user) and asset.brand.kit.second_person:
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
