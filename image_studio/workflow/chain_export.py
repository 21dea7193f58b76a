"""An edit history as JSON and files: everything that another site needs to rebuild the tree.

The same history gives the same bytes: nothing in it says when it was packed. What the person may not see, and what
cannot be read any more, is left out and named.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.text import slugify

from image_studio import storage
from image_studio.exceptions import StudioError
from image_studio.imaging.decode import EXTENSIONS, decode
from image_studio.imaging.metadata import SOURCE_TYPES
from image_studio.imaging.renditions import encode
from image_studio.models import Asset, CheckResult, EditCandidate, EditChain, EditFile, EditStep, Rendition
from image_studio.policy import Policy
from image_studio.workflow.archive import IN_MEMORY, Archive
from image_studio.workflow.chain_document import CURRENCY, FORMAT, UNIT, VERSION
from image_studio.workflow.chain_pack import NAME, FolderTarget, Target, ZipTarget
from image_studio.workflow.chain_telling import fault, made_of, moment, verdict_of


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What was packed.

    :param left_out: how many places in the tree have no picture in the archive, though they had one.
    """

    pictures: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class ChainArchive(Archive):
    """A history as a ZIP, rewound and ready to be sent; whoever takes it closes the file."""

    left_out: int


def export_chain(policy: Policy, chain: EditChain) -> ChainArchive:
    """A history as a ZIP. Uploads come byte for byte only for who may fetch originals, else as clean copies.

    :raises NotAllowed: for somebody who may not see the history.
    :raises StorageFailed: when the temporary disk refuses.
    """
    policy.require("view", chain)
    name = slugify(chain.title)[:60].strip("-_") or f"chain-{chain.pk.hex[-8:]}"
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller sends and closes it
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
            done = _packed(policy, chain, ZipTarget(packed))
        file.seek(0)
    except OSError as error:
        file.close()
        raise storage.failed(error, f"{name}.zip", "storage.write_failed") from error
    except BaseException:
        file.close()
        raise
    return ChainArchive(name=f"{name}.zip", file=file, pictures=done.pictures, left_out=done.left_out)


def export_chain_to(policy: Policy, chain: EditChain, folder: Path) -> Packed:
    """The same into a folder.

    :raises StorageFailed: when the disk refuses.
    """
    policy.require("view", chain)
    return _packed(policy, chain, FolderTarget(folder))


def _packed(policy: Policy, chain: EditChain, target: Target) -> Packed:
    packer = _Packer(policy, chain, target)
    with translation.override("en"):
        document = packer.document()
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    target.write(NAME, text.encode() + b"\n")
    return Packed(pictures=len(document["pictures"]), left_out=len(document["left_out"]))


def imported_of(step: EditStep) -> dict[str, Any]:
    """What the archive told of a step that was imported; empty for one that was asked for here."""
    found = step.plan.get("imported")
    return found if isinstance(found, dict) else {}


class _Packer:
    """One export: what was read, what was written, and the keys by which the document calls its pictures."""

    def __init__(self, policy: Policy, chain: EditChain, target: Target) -> None:
        self.policy, self.chain, self.target = policy, chain, target
        steps = chain.steps.select_related("job").prefetch_related("job__attempts")
        self.steps = list(steps)
        self.candidates = _grouped(
            EditCandidate.objects.filter(step__chain=chain).select_related("asset", "raw").order_by("step", "index"),
            "step_id",
        )
        inputs = [row.get("asset") for step in self.steps for row in step.inputs]
        more = [pk for step in self.steps for _role, pk in step.order.get("references", ())]
        self.assets = {str(pk): asset for pk, asset in Asset.objects.in_bulk(_uuids([*inputs, *more])).items()}
        self.edit_files = {str(row.pk): row for row in EditFile.objects.filter(chain=chain)}
        shown = [one.asset_id for rows in self.candidates.values() for one in rows if one.asset_id]
        every = {*shown, *(one.raw_id for rows in self.candidates.values() for one in rows if one.raw_id)}
        every |= {asset.pk for asset in self.assets.values()}
        self.verdicts = _grouped(CheckResult.objects.filter(asset__in=every).order_by("id"), "asset_id")
        self.heat = {row.asset_id: row for row in Rendition.objects.filter(asset__in=shown, spec="drift")}
        self.pictures: dict[str, dict[str, Any]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.keys: dict[Any, str] = {}
        self.left_out: list[dict[str, Any]] = []
        self.written: set[str] = set()

    def document(self) -> dict[str, Any]:
        steps = [self._step(step) for step in self.steps]
        return {
            "format": FORMAT,
            "version": VERSION,
            "currency": CURRENCY,
            "unit": UNIT,
            "chain": self._chain(),
            "pictures": self.pictures,
            "files": self.files,
            "steps": steps,
            "left_out": self.left_out,
        }

    def _chain(self) -> dict[str, Any]:
        chain = self.chain
        told = imported_of(self.steps[0]) if self.steps else {}
        origin = told.get("chain") or {}
        came = {"archive": told["archive"], "by": chain.actor_label, "at": moment(chain.created_at)} if told else None
        return {
            "id": str(chain.pk),
            "title": chain.title,
            "state": chain.state,
            "head": chain.head,
            "who": origin.get("who", chain.actor_label),
            "created_at": origin.get("created_at", moment(chain.created_at)),
            "touched_at": moment(chain.touched_at),
            "imported": came,
        }

    # Steps

    def _step(self, step: EditStep) -> dict[str, Any]:
        told = imported_of(step)
        code, params = step.fault
        inputs = [self._input(step, row) for row in step.inputs]
        return {
            "number": step.number,
            "parent": step.parent_number,
            "parent_candidate": step.parent_candidate,
            "kind": step.kind,
            "instruction": step.instruction,
            "route": step.route,
            "order": self._order(step),
            "inputs": inputs,
            "status": step.status,
            "fault": fault(code, params),
            "state": step.state,
            "choice": step.choice,
            "reason": step.reason,
            "note": step.note,
            "who": told.get("who", step.actor_label),
            "created_at": told.get("created_at", moment(step.created_at)),
            "made": (told.get("made") or None) if told else made_of(step.job),
            "candidates": [self._candidate(step, one) for one in self.candidates.get(step.pk, ())],
        }

    def _order(self, step: EditStep) -> dict[str, Any]:
        order = dict(step.order)
        for name in ("mask", "markup"):
            if order.get(name):
                order[name] = self._edit_file(step, order[name])
        if "references" in order:
            order["references"] = [
                [role, self._asset(step, self.assets.get(pk), "reference") or None] for role, pk in order["references"]
            ]
        return order

    def _input(self, step: EditStep, row: Mapping[str, Any]) -> dict[str, Any]:
        asset = self.assets.get(str(row.get("asset", "")))
        picture = self._asset(step, asset, str(row.get("role", ""))) if row.get("asset") else ""
        file = self._edit_file(step, row["file"]) if row.get("file") else ""
        known = self.pictures.get(picture) or self.files.get(file) or {}
        hidden = asset is not None and not self.policy.can("view", asset)
        return {
            "role": row.get("role", ""),
            "as": row.get("as", ""),
            "picture": picture or None,
            "file": file or None,
            "sha256": "" if hidden else known.get("sha256", row.get("sha256", "")),
            "size": row.get("size") or None,
            "canvas": row.get("canvas") or None,
        }

    def _candidate(self, step: EditStep, one: EditCandidate) -> dict[str, Any]:
        raw = self._asset(step, one.raw, "raw", candidate=one.index, was=bool(one.sha256))
        shown = self._asset(step, one.asset, "picture", candidate=one.index, was=bool(one.sha256))
        hidden = one.asset is not None and not self.policy.can("view", one.asset)
        kept = "" if hidden else one.sha256
        return {
            "index": one.index,
            "picture": shown or None,
            "raw": raw or None,
            "sha256": self.pictures[shown]["sha256"] if shown else kept,
            "width": one.width,
            "height": one.height,
            "micro_usd": one.micro_usd,
            "fault": fault(one.fault_code, one.fault_params),
            "paste": one.paste or None,
            "drift": one.drift or None,
            "heat": self._heat(one.asset) if shown else None,
        }

    # Pictures and files

    def _asset(
        self, step: EditStep, asset: Asset | None, what: str, *, candidate: int | None = None, was: bool = True
    ) -> str:
        """The key of a picture, packed where it was not yet; empty where it is left out."""
        if asset is None:
            if was:
                self._leave(step, what, "gone", candidate)
            return ""
        if asset.pk not in self.keys:
            self.keys[asset.pk] = self._pack(asset)
        key = self.keys[asset.pk]
        if not key:
            self._leave(step, what, "unreadable" if self.policy.can("view", asset) else "hidden", candidate)
        return key

    def _pack(self, asset: Asset) -> str:
        if not self.policy.can("view", asset):
            return ""
        try:
            data, extension, copied = self._bytes(asset)
        except StudioError:
            return ""
        sha256, file = self._write(data, extension)
        key = f"p{len(self.pictures) + 1}"
        told = asset.recipe.get("imported") or {}
        own = [verdict_of(row) for row in self.verdicts.get(asset.pk, ())]
        self.pictures[key] = {
            "file": file,
            "sha256": sha256,
            "copy_of": asset.sha256 if copied else told.get("copy_of", ""),
            "weight": len(data),
            "format": "png" if copied else asset.format,
            "width": asset.width,
            "height": asset.height,
            "has_alpha": asset.has_alpha,
            "kind": told.get("kind", asset.kind),
            "origin": told.get("origin", asset.origin),
            "source_type": asset.source_type if asset.source_type in SOURCE_TYPES else "",
            "publishable": asset.publishable,
            "micro_usd": told.get("micro_usd", asset.micro_usd),
            "created_at": told.get("created_at", moment(asset.created_at)),
            "title": asset.title,
            "alt": asset.alt,
            "tags": asset.tags,
            "focal": list(asset.focal) if asset.focal else None,
            "rights": {
                "owner": asset.rights_owner,
                "licence": asset.licence,
                "territory": asset.territory,
                "expires_at": moment(asset.expires_at),
            },
            "verdicts": [*told.get("verdicts", ()), *own],
        }
        return key

    def _bytes(self, asset: Asset) -> tuple[bytes, str, bool]:
        """A picture's own bytes; what a client sent only for who may fetch originals, for its metadata is in it.

        A clean copy has the same pixels, upright, without loss: masks and kept pixels still fit.
        """
        data = storage.read(storage.private(), asset.file, asset.sha256)
        if asset.origin in ("provider", "compose") or self.policy.can("original", asset):
            return data, EXTENSIONS[asset.format], False
        term = asset.source_type if asset.source_type in SOURCE_TYPES else ""
        return encode(decode(data).image, "png", source_type=term).data, "png", True

    def _heat(self, asset: Asset | None) -> dict[str, Any] | None:
        row = self.heat.get(asset.pk) if asset else None
        if row is None:
            return None
        try:
            data = storage.read(storage.private(), row.file, row.sha256)
        except StudioError:
            return None
        sha256, file = self._write(data, EXTENSIONS[row.format])
        return {"file": file, "sha256": sha256, "width": row.width, "height": row.height}

    def _edit_file(self, step: EditStep, pk: str) -> str:
        row = self.edit_files.get(pk)
        if pk not in self.keys:
            self.keys[pk] = self._pack_edit_file(row) if row else ""
        if not self.keys[pk]:
            self._leave(step, row.role if row else "mask", "unreadable" if row else "gone", None)
        return self.keys[pk]

    def _pack_edit_file(self, row: EditFile) -> str:
        try:
            data = storage.read(storage.private(), row.file, row.sha256)
        except StudioError:
            return ""
        sha256, file = self._write(data, "png")
        key = f"f{len(self.files) + 1}"
        self.files[key] = {
            "role": row.role,
            "file": file,
            "sha256": sha256,
            "weight": len(data),
            "width": row.width,
            "height": row.height,
            "told": row.told,
        }
        return key

    def _write(self, data: bytes, extension: str) -> tuple[str, str]:
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"files/{sha256}.{extension}"
        if name not in self.written:
            self.target.write(name, data)
            self.written.add(name)
        return sha256, name

    def _leave(self, step: EditStep, what: str, why: str, candidate: int | None) -> None:
        line = {"step": step.number, "candidate": candidate, "what": what, "why": why}
        if line not in self.left_out:
            self.left_out.append(line)


def _grouped(rows: Any, by: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, by), []).append(row)
    return found


def _uuids(texts: Sequence[Any]) -> Iterator[UUID]:
    for text in dict.fromkeys(texts):
        try:
            yield UUID(str(text))
        except ValueError:
            continue
