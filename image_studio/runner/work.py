"""What a worker knows of a job before it starts: read in one go, with every right asked for again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from image_studio import conf as configuration
from image_studio.brand.checks import Check
from image_studio.brand.checks import load as load_checks
from image_studio.brand.checks.moderation import Moderation
from image_studio.brand.judged import Judged, Looked, Unjudged
from image_studio.brand.kit import KitFiles
from image_studio.catalog.refusals import ended, overweight
from image_studio.catalog.specs import ChannelSpec, ModelSpec
from image_studio.conf import conf
from image_studio.exceptions import Unsupported
from image_studio.models import (
    Asset,
    BrandRevision,
    CheckResult,
    EditFile,
    Job,
    JobOutput,
    Variant,
    VariantSet,
)
from image_studio.policy import Policy
from image_studio.providers.base import BaseProvider, Input, InputRef, PictureRequest
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.inheriting import NAMES, Former
from image_studio.runner.leases import Fenced, Lease
from image_studio.runner.produce import CellPlan, Style


class Halt(Exception):
    """The job ends here, before anything was sent.

    :param to: ``blocked``, ``cancelled`` or ``failed``.
    """

    def __init__(self, to: str, code: str = "", **params: Any) -> None:
        super().__init__(to, code, params)
        self.to, self.code, self.params = to, code, params


@dataclass(frozen=True, kw_only=True)
class Source:
    """An input picture that the requester may use now.

    :param asset: of the library; None for a mask or a drawing, which belongs to an edit history.
    :param file: its name in private storage; empty for a mask that the worker draws itself.
    """

    ref: InputRef
    asset: Asset | None = None
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A waiting cell: what to compose, and which state of it the result is for.

    :param former: the picture that it showed before, where it is composed anew.
    """

    pk: UUID
    round: int
    channel_id: int
    plan: CellPlan
    former: Former | None = None


@dataclass(frozen=True, kw_only=True)
class Words:
    """The texts and the kit of a set when they were read: what was composed with others is composed again."""

    revision_id: UUID | None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, variant_set: VariantSet | None, job: Job) -> Words:
        if variant_set is None:
            return cls(revision_id=job.revision_id)
        return cls(revision_id=variant_set.revision_id, texts=variant_set.texts)

    def in_locale(self, locale: str) -> dict[str, str]:
        """The set's own words; where it has none, the kit's stand."""
        return {key: words[locale] for key, words in self.texts.items() if words.get(locale, "").strip()}


@dataclass(frozen=True, kw_only=True)
class Work:
    """A job with everything that its pixels need.

    :param cells: the picture (index of an output, or id of a raw asset) -> its waiting cells.
    """

    lease: Lease
    job: Job
    style: Style
    words: Words
    cells: Mapping[Any, tuple[Cell, ...]]


@dataclass(frozen=True, kw_only=True)
class PictureWork(Work):
    """A picture to buy.

    :param calls: number of the last call; 0 before the first.
    :param answer: what an earlier call left in the spool; nothing is sent then.
    :param looked: what moderation said of the prompt.
    """

    request: PictureRequest
    spec: ModelSpec
    sources: tuple[Source, ...] = ()
    calls: int = 0
    answer: StoredAnswer | None = None
    looked: Mapping[str, Looked] = field(default_factory=dict)

    @property
    def repeatable(self) -> bool:
        return repeatable(self.job.provider)

    @property
    def derived_from(self) -> Asset | None:
        """The picture that rights, words and expiry are inherited from."""
        return next((source.asset for source in self.sources if source.ref.role == "source"), None)

    @property
    def references(self) -> tuple[Asset, ...]:
        """The other pictures that it is made from."""
        return tuple(one.asset for one in self.sources if one.asset and one.ref.role == "reference")


def read_job(lease: Lease) -> Job:
    """The job's row as long as it is ours.

    :raises Fenced: when it is not.
    """
    rows = lease.rows.select_related("brand", "revision", "asset", "variant_set__revision")
    job = rows.filter(state=lease.state).first()
    if job is None:
        raise Fenced(str(lease.job_id))
    return job


def rights(job: Job, verb: str, target: Any) -> Policy:
    """The requester's rights, asked for now.

    :raises Halt: ``job.rights_revoked``.
    """
    return judge_rights(policy_of(job), verb, target)


def policy_of(job: Job) -> Policy | None:
    """The rights of who asked for a job, as they are now; None where the person is gone."""
    return Policy.of_user_id(job.requested_by_id, operator=job.operator)


def judge_rights(policy: Policy | None, verb: str, target: Any) -> Policy:
    """:raises Halt: ``job.rights_revoked``."""
    if policy is None or not policy.can(verb, target):
        raise Halt("blocked", "job.rights_revoked", verb=verb)
    return policy


def source_of(policy: Policy, job: Job, ref: InputRef, *, check: bool) -> Source:
    """An input picture of this brand.

    :raises Halt: when the requester may not use it, or nobody may any more.
    """
    if not ref.asset:
        return _drawn(policy, job, ref, check=check)
    asset = Asset.objects.filter(pk=ref.asset, brand_id=job.brand_id, sha256=ref.sha256).first()
    if asset is None:
        raise Halt("failed", "job.source_missing")
    if not check:
        return Source(ref=ref, asset=asset, file=asset.file)
    if not policy.can("view", asset):
        raise Halt("blocked", "job.rights_revoked", verb="view")
    if asset.expired:
        raise Halt("blocked", "job.source_expired")
    if asset.state in ("rejected", "withdrawn"):
        raise Halt("blocked", "job.source_rejected", state=asset.state)
    return Source(ref=ref, asset=asset, file=asset.file)


def _drawn(policy: Policy, job: Job, ref: InputRef, *, check: bool) -> Source:
    """A mask or a drawing.

    :raises Halt: as :func:`source_of`.
    """
    if not ref.file:
        return Source(ref=ref)
    rows = EditFile.objects.filter(pk=ref.file, chain__brand=job.brand_id, sha256=ref.sha256)
    found = rows.select_related("chain").first()
    if found is None:
        raise Halt("failed", "job.source_missing")
    if check and not policy.can("view", found.chain):
        raise Halt("blocked", "job.rights_revoked", verb="view")
    return Source(ref=ref, file=found.file)


def model_of(job: Job) -> ModelSpec:
    """What the job's model can do.

    :raises ConfigurationError: where the site no longer has the job's provider.
    :raises Halt: ``job.unknown_model`` where the provider no longer has it.
    """
    configuration.provider(job.provider)
    spec = configuration.model(job.provider, job.model)
    if spec is None:
        raise Halt("failed", "job.unknown_model", model=job.model)
    return spec


def judge_end(spec: ModelSpec) -> None:
    """A model may end while its job waits: then nothing is sent.

    :raises Halt: ``job.model_ended``.
    """
    for refusal in ended(spec, today=configuration.today()):
        raise Halt("failed", "job.model_ended", **refusal.params)


def judge_weights(spec: ModelSpec, inputs: Collection[Input]) -> None:
    """What is sent is a PNG, and weighs more than the file that was looked at when the job was asked for.

    :raises Unsupported: ``inputs.too_large``, ``mask.too_large``.
    """
    lengths = {role: [len(one.data) for one in inputs if one.ref.role == role] for role in ("source", "reference")}
    mask = next((len(one.data) for one in inputs if one.ref.role == "mask"), None)
    for refusal in overweight(spec, inputs=[*lengths["source"], *lengths["reference"]], mask=mask):
        raise Unsupported(refusal.code, **refusal.params)


def style_of(job: Job, words: Words, checks: Sequence[Check] | None = None) -> Style:
    """What all cells of the job share.

    :param checks: the site's, where they were loaded before.
    :raises StorageFailed: when a file of the kit is missing.
    """
    revision = job.variant_set.revision if job.variant_set else _revision(words)
    kit = revision.kit if revision else job.brand.kit
    checks = load_checks(conf().brand_checks) if checks is None else checks
    return Style(
        kit=kit,
        files=revision.load_files() if revision else KitFiles(),
        checks=[check for check in checks if not isinstance(check, Moderation)],
        prompt=job.variant_set.prompt_text if job.variant_set else "",
        moderation=next((check for check in checks if isinstance(check, Moderation)), None),
    )


def _revision(words: Words) -> BrandRevision | None:
    return BrandRevision.objects.filter(pk=words.revision_id).first() if words.revision_id else None


def cells_of(rows: Iterable[Variant], words: Words) -> dict[int, tuple[Cell, ...]]:
    """Waiting cells, in their order, by the output that they show."""
    found: dict[int, tuple[Cell, ...]] = {}
    for row in rows:
        found[row.output_index] = (*found.get(row.output_index, ()), cell_of(row, words))
    return found


def cell_of(row: Variant, words: Words) -> Cell:
    plan = CellPlan(
        key=row.pk,
        channel=ChannelSpec.from_dict(row.channel_spec),
        locale=row.locale,
        texts=words.in_locale(row.locale),
    )
    return Cell(pk=row.pk, round=row.round, channel_id=row.channel_id, plan=plan)


@dataclass(frozen=True, kw_only=True)
class ComposeWork(Work):
    """Cells to compose again.

    :param cells: id of the raw picture -> the cells that show it.
    :param missing: cells whose picture never came.
    :param looked: what moderation said of each picture and its prompt, when it was made.
    """

    raws: Mapping[UUID, Asset]
    looked: Mapping[UUID, Mapping[str, Looked]] = field(default_factory=dict)
    missing: tuple[Cell, ...] = ()


def compose_work(lease: Lease) -> ComposeWork:
    """Read a compose job. Cells that moved on since it was asked for are left out.

    :raises Halt: for a cancelled job or revoked rights.
    :raises Fenced: when the lease was lost.
    :raises StorageFailed: when a file of the kit is missing.
    """
    job = read_job(lease)
    if job.cancel_requested_at:
        raise Halt("cancelled")
    rights(job, "recompose", job.brand)
    words = Words.of(job.variant_set, job)
    rows = _as_asked(job)
    outputs = JobOutput.objects.filter(job__in={row.job_id for row in rows}, asset__isnull=False)
    shown = {(output.job_id, output.index): output.asset for output in outputs.select_related("asset")}
    formers = formers_of({asset.pk for asset in shown.values() if asset})
    cells: dict[UUID, tuple[Cell, ...]] = {}
    missing: list[Cell] = []
    for row in rows:
        raw, cell = shown.get((row.job_id, row.output_index)), cell_of(row, words)
        if raw is None:
            missing.append(cell)
        else:
            worded = replace(cell, former=formers.get((raw.pk, row.channel_id, row.locale)))
            cells[raw.pk] = (*cells.get(raw.pk, ()), worded)
    return ComposeWork(
        lease=lease,
        job=job,
        style=style_of(job, words),
        words=words,
        cells=cells,
        raws={asset.pk: asset for asset in shown.values() if asset},
        looked=looked_of({asset.pk for asset in shown.values() if asset}),
        missing=tuple(missing),
    )


def formers_of(raws: Collection[UUID]) -> dict[tuple[UUID | None, int | None, str], Former]:
    """The last composed picture of every place. Not by the cells: one that could not be composed has lost it."""
    made = Asset.objects.filter(parent__in=raws, kind="composed").order_by("pk")
    columns = ("parent_id", "channel_id", "locale", "recipe__inherited", *NAMES)
    return {
        (row["parent_id"], row["channel_id"], row["locale"]): Former(
            said={name: row[name] for name in NAMES}, inherited=row["recipe__inherited"]
        )
        for row in made.values(*columns).iterator()
    }


def looked_of(raws: Collection[UUID]) -> dict[UUID, dict[str, Looked]]:
    """What moderation said of raw pictures: of the same bytes, whatever a kit makes of it today."""
    found: dict[UUID, dict[str, Looked]] = {}
    for row in CheckResult.objects.filter(asset__in=raws, check_name=Moderation.name).order_by("pk"):
        if what := row.params.get("what"):
            looked = Judged.from_dict(row.params["said"]) if "said" in row.params else _unsaid(row)
            found.setdefault(row.asset_id, {})[what] = looked
    return found


def _unsaid(row: CheckResult) -> Unjudged:
    return Unjudged(code=row.code, params={key: value for key, value in row.params.items() if key != "what"})


def _as_asked(job: Job) -> list[Variant]:
    """The cells of a compose job that still wait for this very composition."""
    rounds = {UUID(row["id"]): row["round"] for row in job.request["variants"]}
    rows = Variant.objects.filter(pk__in=rounds, variant_set=job.variant_set_id, state="waiting")
    return [row for row in rows.order_by("position") if row.round == rounds[row.pk]]


def provider_of(job: Job) -> BaseProvider:
    """The job's provider.

    :raises ConfigurationError: when the site's settings for it do not hold.
    """
    provider: BaseProvider = configuration.provider(job.provider)
    return provider


def repeatable(alias: str) -> bool:
    """Whether a lost request to a provider may simply be sent again; never where that cannot be known."""
    try:
        return bool(configuration.provider(alias).repeatable)
    except configuration.ConfigurationError:
        return False
