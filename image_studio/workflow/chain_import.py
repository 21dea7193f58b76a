"""An exported edit history rebuilt in a library that has never seen it.

All of the archive is judged first, then its files are stored, then one transaction writes the rows. A refusal at any
point leaves no row and no file behind. The same archive by the same person into the same brand comes in once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.masks import from_file
from image_studio.models import (
    Asset,
    Brand,
    EditCandidate,
    EditChain,
    EditFile,
    EditStep,
    Event,
    IdempotencyKey,
    Rendition,
)
from image_studio.policy import Policy
from image_studio.runner.answers import plain
from image_studio.runner.filing import Filing
from image_studio.workflow.chain_document import COMING, CandidateDoc, Document, FileDoc, InputDoc, StepDoc
from image_studio.workflow.chain_pack import MOST_DOCUMENT, NAME, Pack, opened
from image_studio.workflow.chain_parsing import read_document
from image_studio.workflow.chain_taking import Taken, Taker, at, places, summed
from image_studio.workflow.edit_files import Drawn, forget, keep_markup, keep_mask
from image_studio.workflow.library import describe, limits
from image_studio.workflow.once import Once, body_hash, kept_key, once, replayed
from image_studio.workflow.step_orders import new_chain


@dataclass(frozen=True, kw_only=True)
class ImportedChain:
    """What became of an archive; ``again`` means that this person had imported it before.

    :param pictures: how many the history has, new and reused.
    """

    chain: EditChain
    pictures: int
    again: bool = False


def import_chain(policy: Policy, brand: Brand, source: Path | IO[bytes]) -> ImportedChain:
    """Rebuild a history from a ZIP or a folder. Nothing is bought, and nothing of it is approved.

    :param source: a path, or a ZIP as a file that can be sought in.
    :raises NotAllowed: for who may not ingest and generate here.
    :raises InvalidRequest: ``chain_archive.*`` naming the place; ``brand.no_kit``; ``asset.alt_term`` for an alt text
        with a term that this brand prohibits.
    :raises StorageFailed: when the disk refuses.
    """
    policy.require("ingest", brand)
    policy.require("generate", brand)
    if brand.revision is None:
        raise InvalidRequest("brand.no_kit", brand=brand.slug)
    with opened(source) as pack:
        document = read_document(pack.read(NAME, MOST_DOCUMENT))
        body = {"verb": "chain.import", "brand": str(brand.pk), "archive": document.sha256}
        # Its name is a sum of what it stands for: a key of the person's own never meets it.
        key = f"chain-import-{body_hash(body)}"
        done = _before(policy, key, body) or _import(policy, brand, document, pack, key, body)
    chain = EditChain.objects.select_related("brand__revision").get(pk=done.answer["chain"])
    return ImportedChain(chain=chain, pictures=len(places(document)), again=done.replayed)


def _before(policy: Policy, key: str, body: Mapping[str, Any]) -> Once | None:
    """What this archive became before; nothing where that was deleted since."""
    done = replayed(policy, key, body)
    if done is None or EditChain.objects.filter(pk=done.answer["chain"]).exists():
        return done
    IdempotencyKey.objects.filter(user_id=policy.actor.user_id, key=kept_key(key)).delete()
    return None


def _import(policy: Policy, brand: Brand, document: Document, pack: Pack, key: str, body: Mapping[str, Any]) -> Once:
    _all_there(document, pack)
    filing, drawn = Filing(), dict[str, Drawn]()
    try:
        for doc in _edit_files(document):
            drawn[doc.key] = _drawn(doc, pack)
        taken = Taker(policy, brand, document, pack, filing).take()
        done = once(policy, key, body, lambda: _written(policy, brand, document, taken, drawn))
    except BaseException:
        filing.undo()
        forget(list(drawn.values()))
        raise
    if done.replayed:
        filing.undo()
        forget(list(drawn.values()))
    return done


# Files -------------------------------------------------------------------------------------------------------------


def _all_there(document: Document, pack: Pack) -> None:
    """Before the first is unpacked.

    :raises InvalidRequest: ``chain_archive.missing_file`` (name).
    """
    heats = [one.heat.file for step in document.steps for one in step.candidates if one.heat]
    pictures = [document.pictures[place.key].file for place in places(document)]
    for name in (*pictures, *heats, *(doc.file for doc in _edit_files(document))):
        if not pack.has(name):
            raise InvalidRequest("chain_archive.missing_file", name=name)


def _edit_files(document: Document) -> list[FileDoc]:
    """The masks and drawings that steps speak of."""
    keys = [one.file for step in document.steps for one in step.inputs]
    keys += [key for step in document.steps if step.order for key in (step.order.mask, step.order.markup)]
    return [document.files[key] for key in dict.fromkeys(keys) if key]


def _drawn(doc: FileDoc, pack: Pack) -> Drawn:
    """A mask or a drawing, stored; written anew from its pixels, as if it had been painted here."""
    data = summed(pack, doc.file, doc.sha256, limits().max_bytes)
    with at(doc.file):
        if doc.role == "markup":
            return keep_markup(data, doc.size)
        return keep_mask(from_file(data, doc.size), region=doc.region, polygons=doc.polygons)


# Rows --------------------------------------------------------------------------------------------------------------


def _written(
    policy: Policy, brand: Brand, document: Document, taken: Mapping[str, Taken], drawn: Mapping[str, Drawn]
) -> dict[str, str]:
    """Everything in the transaction of the key."""
    _write_pictures(policy, document, taken)
    assets = {key: one.asset for key, one in taken.items()}
    first = document.steps[0].candidate(0)
    source = assets.get(first.picture) if first and document.steps[0].kind == "start" else None
    chain = new_chain(
        policy,
        brand,
        title=document.title,
        source=source,
        state=document.state,
        head=document.head,
        length=len(document.steps),
    )
    files = {key: one.row(chain) for key, one in drawn.items()}
    steps = EditStep.objects.bulk_create(_step(policy, chain, document, doc, assets, files) for doc in document.steps)
    EditCandidate.objects.bulk_create(
        _candidate(step, one, assets) for step, doc in zip(steps, document.steps, strict=True) for one in doc.candidates
    )
    new = sum(1 for one in taken.values() if one.new)
    counted = {"steps": len(steps), "pictures": new, "reused": len(taken) - new}
    Event.objects.record(
        policy.actor, "chain.imported", chain, archive=document.sha256, told=document.told["id"], **counted
    )
    return {"chain": str(chain.pk)}


def _write_pictures(policy: Policy, document: Document, taken: Mapping[str, Taken]) -> None:
    """Each after its parent; described by the same verb as any other picture."""
    new = [one for one in taken.values() if one.new]
    for one in new:
        one.asset.words = one.asset.search_words()
        one.asset.save(force_insert=True)
        words = {name: value for name, value in one.doc.words.items() if value}
        if one.expires_at:
            words["expires_at"] = one.expires_at
        if words:
            describe(policy, one.asset, **words)
    Rendition.objects.bulk_create(row for one in new for row in (one.preview, one.heat) if row)
    Event.objects.record_all(policy.actor, "asset.ingested", [one.asset for one in new], archive=document.sha256)


def _step(
    policy: Policy,
    chain: EditChain,
    document: Document,
    doc: StepDoc,
    assets: Mapping[str, Asset],
    files: Mapping[str, EditFile],
) -> EditStep:
    """A step that has no job here: what it brought stands in its outcome, how it was made is kept as told."""
    told: dict[str, Any] = {**doc.told, "archive": document.sha256}
    if doc.number == 1:
        told["chain"] = dict(document.told)
    code, params = doc.fault_code, doc.fault_params
    if doc.status in COMING and not code:
        code, params = "chain.left_unfinished", {}
    return EditStep(
        chain=chain,
        number=doc.number,
        parent_number=doc.parent,
        parent_candidate=doc.parent_candidate,
        kind=doc.kind,
        instruction=doc.instruction,
        order=_order(doc, assets, files),
        inputs=[_input(one, assets, files) for one in doc.inputs],
        route=doc.route,
        # Nothing comes any more of what was under way on the other site.
        outcome="cancelled" if doc.status in COMING else doc.status,
        error_code=code,
        error_params=plain(params),
        plan={"imported": plain(told)},
        state=doc.state,
        choice=doc.choice,
        reason=doc.reason,
        note=doc.note,
        actor_label=policy.actor.label,
    )


def _order(doc: StepDoc, assets: Mapping[str, Asset], files: Mapping[str, EditFile]) -> dict[str, Any]:
    if doc.order is None:
        return {}
    order = replace(
        doc.order,
        mask=_pk(files.get(doc.order.mask)),
        markup=_pk(files.get(doc.order.markup)),
        references=tuple((role, _pk(assets.get(key))) for role, key in doc.order.references),
    )
    return order.to_dict()


def _pk(row: Asset | EditFile | None) -> str:
    return str(row.pk) if row else ""


def _input(one: InputDoc, assets: Mapping[str, Asset], files: Mapping[str, EditFile]) -> dict[str, Any]:
    asset, file = assets.get(one.picture), files.get(one.file)
    known = asset or file
    row = {
        "role": one.role,
        "asset": _pk(asset),
        "file": _pk(file),
        "sha256": known.sha256 if known else one.sha256,
        "size": list(one.size),
        "canvas": list(one.canvas),
        "as": one.used_as,
    }
    return {key: value for key, value in row.items() if value}


def _candidate(step: EditStep, one: CandidateDoc, assets: Mapping[str, Asset]) -> EditCandidate:
    shown = assets.get(one.picture)
    width, height = shown.size if shown else one.size
    return EditCandidate(
        step=step,
        index=one.index,
        asset=shown,
        raw=assets.get(one.raw),
        sha256=shown.sha256 if shown else one.sha256,
        width=width,
        height=height,
        micro_usd=one.micro_usd,
        fault_code=one.fault_code,
        fault_params=plain(one.fault_params),
        paste=dict(one.paste),
        drift=dict(one.drift),
    )
