"""Made pictures as rows: files are in storage by now, nothing is in the database yet. Runs in the pixel threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from image_studio.brand.checks import Verdict
from image_studio.imaging.renditions import Encoded
from image_studio.models import Asset, CheckResult, Rendition, uuid7
from image_studio.runner.answers import plain
from image_studio.runner.filing import Filing
from image_studio.runner.inheriting import inherit, said, words_for
from image_studio.runner.produce import CellDone, CellFailed, Raw, try_cell
from image_studio.runner.work import Cell, Work


@dataclass(frozen=True, kw_only=True)
class CellRows:
    """One cell's result: its rows, or why there are none."""

    cell: Cell
    asset: Asset | None = None
    preview: Rendition | None = None
    verdicts: tuple[CheckResult, ...] = ()
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> frozenset[str]:
        return frozenset(row.file for row in (self.asset, self.preview) if row)


@dataclass(frozen=True, kw_only=True)
class EditRows:
    """What is shown of one answer of an edit.

    :param asset: the pasted or cut picture; None where the answer itself is shown.
    :param heat: the map of its drift, a private rendition of the shown picture.
    """

    asset: Asset | None = None
    preview: Rendition | None = None
    heat: Rendition | None = None
    paste: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)
    verdicts: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutputRows:
    """One output: a raw asset with its preview and cells, or a fault.

    :param index: of the output; None for a picture that was there before.
    :param verdicts: on the raw picture itself; its cells have their own.
    :param edit: of the answer to an edit.
    """

    index: int | None
    asset: Asset | None = None
    preview: Rendition | None = None
    fault: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    cells: tuple[CellRows, ...] = ()
    verdicts: tuple[CheckResult, ...] = ()
    edit: EditRows | None = None

    @property
    def shown(self) -> Asset | None:
        """The picture that counts as this output."""
        return self.edit.asset if self.edit and self.edit.asset else self.asset


def raw_asset(
    raw: Raw,
    filing: Filing,
    work: Work,
    *,
    data: bytes,
    recipe: Mapping[str, Any],
    parent: Asset | None,
    references: Sequence[Asset] = (),
    micro_usd: int = 0,
) -> Asset:
    """The raw picture's row, its bytes stored as they came.

    What is true of the picture that it was made from stays true of it: words, rights and their end.
    """
    picture = raw.picture
    asset = Asset(
        id=uuid7(),
        brand_id=work.job.brand_id,
        kind="raw",
        origin="provider",
        revision_id=work.words.revision_id,
        file=filing.write("raw", picture.extension, data),
        sha256=picture.sha256,
        weight=picture.weight,
        format=picture.format,
        width=picture.size[0],
        height=picture.size[1],
        has_alpha=picture.has_alpha,
        fingerprint=raw.fingerprint,
        colours=raw.colours,
        source_type=raw.source_type,
        publishable=not raw.told.placeholder,
        recipe=plain(recipe),
        title=work.job.variant_set.title if work.job.variant_set else "",
        micro_usd=micro_usd,
        created_by_id=work.job.requested_by_id,
        requested_by_id=_asked_by(work),
    )
    inherit(asset, parent, references)
    if work.job.edit:
        # Its family begins with the picture that was edited; its words are its own all the same.
        asset.parent = parent
    asset.words = asset.search_words()
    return asset


def preview_row(asset: Asset, small: Encoded, filing: Filing) -> Rendition:
    return Rendition(
        asset=asset, spec="preview", file=filing.write("preview", small.extension, small.data), **sizes(small)
    )


def sizes(file: Encoded) -> dict[str, Any]:
    """A written file's own columns."""
    return {
        "sha256": file.sha256,
        "weight": len(file.data),
        "format": file.format,
        "width": file.width,
        "height": file.height,
    }


def cell_rows(cell: Cell, raw: Raw, parent: Asset, work: Work, filing: Filing) -> CellRows:
    """Compose one cell and store its files. It is judged with the alt text that it will have."""
    words = words_for(parent, cell.former)
    worded = Raw(picture=raw.picture, told=replace(raw.told, alt=words["alt"]))
    done = try_cell(worded, cell.plan, work.style)
    if isinstance(done, CellFailed):
        return CellRows(cell=cell, code=done.code, params=plain(done.params))
    asset = composed_asset(cell, done, parent, work, filing, words)
    return CellRows(
        cell=cell,
        asset=asset,
        preview=preview_row(asset, done.preview, filing),
        verdicts=tuple(verdict_row(asset, verdict) for verdict in done.verdicts),
    )


def composed_asset(
    cell: Cell, done: CellDone, parent: Asset, work: Work, filing: Filing, words: Mapping[str, Any]
) -> Asset:
    asset = Asset(
        id=uuid7(),
        brand_id=work.job.brand_id,
        kind="composed",
        origin="compose",
        parent=parent,
        channel_id=cell.channel_id,
        locale=done.plan.locale,
        revision_id=work.words.revision_id,
        file=filing.write("composed", done.file.extension, done.file.data),
        has_alpha=done.has_alpha,
        fingerprint=done.fingerprint,
        colours=done.colours,
        source_type=done.source_type,
        publishable=parent.publishable,
        recipe=_recipe(done, work, parent),
        micro_usd=parent.micro_usd,
        created_by_id=work.job.requested_by_id,
        requested_by_id=_asked_by(work),
        **sizes(done.file),
        **words,
    )
    asset.words = asset.search_words()
    return asset


def _asked_by(work: Work) -> Any:
    """Who asked for the set; the job may be somebody else's who tried again or composed anew."""
    return work.job.variant_set.requested_by_id if work.job.variant_set else work.job.requested_by_id


def _recipe(done: CellDone, work: Work, parent: Asset) -> dict[str, Any]:
    return plain(
        {
            "job": str(work.job.pk),
            "channel": done.plan.channel.slug,
            "texts": done.plan.texts,
            "label": done.label,
            "layers": [layer.to_dict() for layer in done.placed],
            # Tells what an editor writes on this picture from what it came with: see ``inheriting``.
            "inherited": said(parent),
        }
    )


def verdict_row(asset: Asset, verdict: Verdict) -> CheckResult:
    return CheckResult(
        asset=asset,
        revision_id=asset.revision_id,
        check_name=verdict.check,
        kind=verdict.kind,
        verdict=verdict.verdict,
        blocks=verdict.blocks,
        code=verdict.code,
        params=plain(verdict.params),
        score=None if verdict.score is None else float(verdict.score),
        region=None if verdict.region is None else list(verdict.region),
        rule=verdict.rule,
    )
