"""From an answer, or from raw pictures that are there, to rows: first the pixels and files, then one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from image_studio import storage
from image_studio.exceptions import ImageRefused
from image_studio.models import Asset, Event, Job, JobOutput, Named, Variant, VariantSet, create, database_now
from image_studio.runner import editing, sets, stepping, unsaved
from image_studio.runner.answers import Kept, StoredAnswer, plain
from image_studio.runner.filing import Filing
from image_studio.runner.inheriting import words_for
from image_studio.runner.leases import FREE, WORKER, Lease
from image_studio.runner.produce import Raw, Told, open_raw
from image_studio.runner.rows import CellRows, EditRows, OutputRows, cell_rows, preview_row, raw_asset
from image_studio.runner.values import each
from image_studio.runner.work import Cell, ComposeWork, PictureWork, Words, Work, formers_of
from image_studio.states import VARIANT


class Stale(Exception):
    """The set's words or kit changed while its cells were composed."""


# Pixels and files: run in the pixel threads ------------------------------------------------------------------------


def output(
    kept: Kept,
    work: PictureWork,
    answer: StoredAnswer,
    filing: Filing,
    see: Callable[[int, Raw], None] = lambda index, raw: None,
) -> OutputRows:
    """One output of an answer, decoded, stored byte for byte, and composed into its cells.

    :param see: called with the picture as soon as it is decoded.
    :raises StorageFailed: when a file cannot be read or written; the answer stays where it is.
    """
    cells = work.cells.get(kept.index, ())
    if kept.fault:
        return _fault(kept.index, cells, kept.fault, kept.params)
    data = answer.read(kept)
    try:
        raw = open_raw(data, _told(kept, work, answer))
    except ImageRefused as error:
        params = plain(error.params)
        if not work.repeatable:
            # It was paid for: whoever settles with the provider needs the bytes.
            params["answered_by"] = work.job.provider
            params["kept"] = filing.write("refused", "bin", data)
            params["kept_sha256"] = hashlib.sha256(data).hexdigest()
        return _fault(kept.index, cells, error.code, params)
    see(kept.index, raw)
    recipe = _recipe(kept, work, answer)
    asset = raw_asset(
        raw,
        filing,
        work,
        data=data,
        recipe=recipe,
        parent=work.derived_from,
        references=work.references,
        micro_usd=_share(answer),
    )
    return OutputRows(
        index=kept.index,
        asset=asset,
        preview=preview_row(asset, raw.preview, filing),
        cells=tuple(cell_rows(cell, raw, asset, work, filing) for cell in cells),
        edit=editing.edited(raw, asset, work, filing) if work.job.edit else None,
    )


def _fault(index: int, cells: Iterable[Cell], code: str, params: Mapping[str, Any]) -> OutputRows:
    failed = tuple(CellRows(cell=cell, code=code, params=params) for cell in cells)
    return OutputRows(index=index, fault=code, params=params, cells=failed)


def _told(kept: Kept, work: PictureWork, answer: StoredAnswer) -> Told:
    source = work.derived_from
    return Told(
        source_type=kept.source_type,
        upscaled=_upscaled(answer.effective, kept.index),
        placeholder=not work.spec.publishable,
        alt=source.alt if source else {},
    )


def _share(answer: StoredAnswer) -> int:
    """What one picture of an answer cost: its pictures carry the price, its faults none."""
    pictures = sum(1 for kept in answer.outputs if not kept.fault)
    return answer.micro_usd // max(1, pictures)


def _upscaled(effective: Mapping[str, Any], index: int) -> float:
    """How much a provider says that it enlarged a picture: ``{"outputs": [{"upscaled": 1.6}]}``."""
    try:
        return max(1.0, float(effective["outputs"][index]["upscaled"]))
    except (KeyError, IndexError, TypeError, ValueError):
        return 1.0


def _recipe(kept: Kept, work: PictureWork, answer: StoredAnswer) -> dict[str, Any]:
    effective = dict(answer.effective)
    each = effective.pop("outputs", None)
    own = each[kept.index] if isinstance(each, list) and kept.index < len(each) else {}
    return {
        "provider": work.job.provider,
        "model": work.job.model,
        "route": work.job.route,
        "request": work.request.to_dict(),
        "effective": {**effective, **(own if isinstance(own, dict) else {})},
        "request_id": answer.request_id,
        "job": str(work.job.pk),
        "index": kept.index,
    }


def recomposed(asset: Asset, work: ComposeWork, filing: Filing) -> OutputRows:
    """The cells of a raw picture that is there, composed again.

    :raises StorageFailed: when the picture's file is missing or its sum is wrong.
    :raises ImageRefused: when the gate no longer takes it.
    """
    data = storage.read(storage.private(), asset.file, asset.sha256)
    upscaled = _upscaled({"outputs": [asset.recipe.get("effective") or {}]}, 0)
    told = Told(
        source_type=asset.source_type,
        focal=asset.focal,
        upscaled=upscaled,
        placeholder=not asset.publishable,
        alt=asset.alt,
    )
    raw = open_raw(data, told)
    cells = tuple(cell_rows(cell, raw, asset, work, filing) for cell in work.cells[asset.pk])
    return OutputRows(index=None, cells=cells)


# Rows: run where the database is -----------------------------------------------------------------------------------


def finish(work: Work, outputs: Sequence[OutputRows]) -> frozenset[str]:
    """Everything of a job at once: assets, files, verdicts, cells, state, events.

    A picture job none of whose outputs is a picture ends ``failed``, otherwise ``done``, faults and all.

    :return: names of stored files that no row speaks of, because their cell moved on: delete them.
    :raises Fenced: when the lease was lost.
    :raises Stale: when the set's words changed since ``work`` was read.
    """
    with transaction.atomic():
        sets.lock(work.lease.set_id)
        held = _end(work.lease, outputs)
        unwanted = Job.objects.filter(pk=held.job_id, cancel_requested_at__isnull=False).exists()
        if not unwanted:
            _still_true(work)
        return _write(held, work, outputs, unwanted=unwanted)


def _end(lease: Lease, outputs: Sequence[OutputRows]) -> Lease:
    bought = [made for made in outputs if made.index is not None]
    faults = [made for made in bought if made.fault]
    if bought and len(faults) == len(bought):
        to, code, params = "failed", faults[0].fault, dict(faults[0].params)
    else:
        to, code, params = "done", "", {}
    return lease.move(
        to,
        data={"faults": [made.index for made in faults]} if faults else {},
        error_code=code,
        error_params=params,
        ended_at=database_now(),
        **FREE,
    )


def _still_true(work: Work) -> None:
    """:raises Stale: when the cells of a purchase would show words that are no longer the set's."""
    if not isinstance(work, PictureWork) or not work.cells or work.lease.set_id is None:
        return
    now = VariantSet.objects.filter(pk=work.lease.set_id).values_list("revision_id", "texts").get()
    if Words(revision_id=now[0], texts=now[1]) != work.words:
        raise Stale


def _write(lease: Lease, work: Work, outputs: Sequence[OutputRows], *, unwanted: bool) -> frozenset[str]:
    cells = [cell for made in outputs for cell in made.cells]
    live = [] if unwanted else live_among(cells)
    if unwanted:
        outputs = [_marked(made) for made in outputs]
        _cancel_cells(lease)
    if isinstance(work, ComposeWork):
        _reword(live)
    insert(outputs, live)
    again = isinstance(work, PictureWork) and work.calls > 0
    _write_outputs(lease, outputs, again=again)
    if isinstance(work, PictureWork) and work.answer and again:
        unsaved.taken_in(work.answer.attempt)
    _fill([cell for cell in live if cell.asset])
    for cell in live:
        if not cell.asset:
            _fail(cell)
    if work.job.edit:
        stepping.done(lease, work, outputs, unwanted=unwanted)
    return frozenset(name for cell in cells if cell not in live for name in cell.files)


def insert(outputs: Sequence[OutputRows], live: Sequence[CellRows]) -> None:
    """Pictures, files and verdicts, of one job or of many: what is pointed at before what points at it.

    :param live: the cells that are still wanted.
    """
    edits = [made.edit for made in outputs if made.edit]
    composed = [cell.asset for cell in live if cell.asset] + [edit.asset for edit in edits if edit.asset]
    files = [made.preview for made in outputs] + [cell.preview for cell in live]
    files += [row for edit in edits for row in (edit.preview, edit.heat)]
    judged: list[OutputRows | CellRows | EditRows] = [*outputs, *live, *edits]
    create([made.asset for made in outputs if made.asset])
    create(composed)
    create([row for row in files if row])
    create([verdict for one in judged for verdict in one.verdicts])


def live_among(cells: list[CellRows]) -> list[CellRows]:
    """Those that still wait for this very result; held until the end of the transaction."""
    waiting = Variant.objects.select_for_update().filter(pk__in=[made.cell.pk for made in cells], state="waiting")
    rounds = dict(waiting.values_list("pk", "round"))
    return [made for made in cells if rounds.get(made.cell.pk) == made.cell.round]


def _reword(cells: list[CellRows]) -> None:
    """What somebody wrote on a cell's former picture while the new one was composed comes along too."""
    formers = formers_of({made.asset.parent_id for made in cells if made.asset and made.asset.parent_id})
    for made in cells:
        if made.asset and made.asset.parent:
            place = (made.asset.parent_id, made.asset.channel_id, made.asset.locale)
            for name, value in words_for(made.asset.parent, formers.get(place)).items():
                setattr(made.asset, name, value)
            made.asset.words = made.asset.search_words()


def _marked(made: OutputRows) -> OutputRows:
    """A result that nobody wants any more: kept, because it was paid for, and marked."""
    for asset in (made.asset, made.edit.asset if made.edit else None):
        if asset:
            asset.recipe = {**asset.recipe, "unwanted": True}
    return made


def _cancel_cells(lease: Lease) -> None:
    Event.objects.record(WORKER, "job.unwanted", lease.target, worker=str(lease.owner))
    waiting = list(Variant.objects.filter(job=lease.job_id, state="waiting"))
    if VARIANT.move(Variant.objects.filter(pk__in=[row.pk for row in waiting]), "cancelled", only_from=["waiting"]):
        Event.objects.record_all(WORKER, "variant.cancelled", waiting, job=str(lease.job_id))


def _write_outputs(lease: Lease, outputs: Sequence[OutputRows], *, again: bool) -> None:
    if again:
        # An earlier answer of this job was nothing but faults; a person asked again.
        JobOutput.objects.filter(job=lease.job_id, asset=None).delete()
    create(job_outputs(lease.job_id, outputs))


def job_outputs(job: UUID, outputs: Iterable[OutputRows]) -> list[JobOutput]:
    """What came out of a job, in place of each picture that was asked for."""
    return [
        JobOutput(
            job_id=job,
            index=made.index,
            asset=made.shown,
            fault_code=made.fault,
            fault_params=dict(made.params),
        )
        for made in outputs
        if made.index is not None
    ]


def _fill(cells: list[CellRows]) -> None:
    fill(cells)
    Event.objects.record_all(WORKER, "variant.ready", [Named("variant", made.cell.pk) for made in cells])


def fill(cells: Sequence[CellRows]) -> None:
    """Point all cells at their pictures by one UPDATE; their events are the caller's."""
    if not cells:
        return
    by_cell = {made.cell.pk: made.asset.pk for made in cells if made.asset}
    VARIANT.move(
        Variant.objects.filter(pk__in=by_cell),
        "ready",
        only_from=["waiting"],
        asset_id=each(Variant, "asset", by_cell),
        error_code="",
        error_params={},
    )


def _fail(made: CellRows) -> None:
    VARIANT.move(
        Variant.objects.filter(pk=made.cell.pk),
        "compose_failed",
        only_from=["waiting"],
        asset=None,
        error_code=made.code,
        error_params=dict(made.params),
    )
    Event.objects.record(WORKER, "variant.compose_failed", Named("variant", made.cell.pk), code=made.code)


def missing(work: ComposeWork) -> OutputRows:
    """Cells to compose again whose picture never came."""
    cells = tuple(CellRows(cell=cell, code="variant.no_picture") for cell in work.missing)
    return OutputRows(index=None, cells=cells)
