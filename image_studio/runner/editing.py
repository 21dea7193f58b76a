"""What becomes of the answer to an edit: the parent's pixels put back, the drift measured, verdicts. In pixel threads.

Nothing here may cost a paid picture: where something can't be done the answer itself is shown, and says why.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from image_studio.brand.checks import Check, Subject, Verdict, run_checks
from image_studio.brand.checks.drift import Drift as DriftCheck
from image_studio.exceptions import ImageRefused, StorageFailed, StudioError
from image_studio.imaging import canvas
from image_studio.imaging.drift import Drift, drift
from image_studio.imaging.fingerprint import fingerprint, signed
from image_studio.imaging.geometry import Box
from image_studio.imaging.masks import Mask, feathered
from image_studio.imaging.pasteback import Pasted, paste_back
from image_studio.imaging.renditions import Encoded, blur_placeholder, encode, preview
from image_studio.models import Asset, Rendition, uuid7
from image_studio.runner import sending
from image_studio.runner.answers import plain
from image_studio.runner.filing import Filing
from image_studio.runner.inheriting import inherit
from image_studio.runner.produce import Raw
from image_studio.runner.rows import EditRows, preview_row, sizes, verdict_row
from image_studio.runner.work import PictureWork, Source

_log = logging.getLogger("image_studio.runner")

#: The real pixels of a picture with parts that a model made.
_MIXED = "compositeWithTrainedAlgorithmicMedia"


@dataclass(frozen=True, kw_only=True)
class Before:
    """The picture that was edited, in the frame in which the result is shown.

    :param view: its pixels; on the extended canvas where it was extended.
    :param box: where the view lies on the canvas that was sent; None is all of it.
    :param sent: the canvas that was sent.
    :param mask: what was allowed to change, of the size that was sent; None is everything.
    """

    sent: Image.Image
    box: Box | None = None
    mask: Mask | None = None

    @property
    def view(self) -> Image.Image:
        return _cut(self.sent, self.box)

    @property
    def mask_view(self) -> Mask | None:
        return Mask(edit=_cut(self.mask.edit, self.box)) if self.mask else None


@dataclass(frozen=True, kw_only=True)
class After:
    """What is shown of an answer.

    :param image: None where the answer itself is shown as it came.
    """

    image: Image.Image | None = None
    paste: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)
    heat: bytes = b""


def edited(raw: Raw, answer: Asset, work: PictureWork, filing: Filing) -> EditRows:
    """One answer of an edit as rows: the shown picture where it is another, its heat map, its verdicts.

    :raises StorageFailed: when a file cannot be written; the answer stays in the spool.
    """
    after = _careful(raw, work)
    shown, small, image = answer, None, raw.image
    if after.image is not None:
        image = after.image
        shown = _shown(image, raw, answer, work, filing, after)
        small = preview_row(shown, preview(image), filing)
    heat = _heat_row(shown, after.heat, filing) if after.heat else None
    verdicts = _verdicts(image, shown, work, after.drift)
    return EditRows(
        asset=shown if shown is not answer else None,
        preview=small,
        heat=heat,
        paste=plain(after.paste),
        drift=plain(after.drift),
        verdicts=tuple(verdict_row(shown, verdict) for verdict in verdicts),
    )


def _careful(raw: Raw, work: PictureWork) -> After:
    try:
        before = _before(work)
        return _after(raw.image, before, work) if before else After()
    except (StorageFailed, ImageRefused) as error:
        # Most often the parent's file, gone since it was sent: the answer is there, and stays as it is.
        return After(paste={"pasted": False, "code": "paste.parent_gone", "params": {"detail": error.code}})
    except Exception:  # noqa: BLE001 - a defect of ours must not cost a paid picture
        _log.exception("edit crashed", extra={"action": "edit.crashed", "job": str(work.job.pk)})
        return After(paste={"pasted": False, "code": "paste.crashed", "params": {}})


def _before(work: PictureWork) -> Before | None:
    """The edited picture as it was sent; None for a picture that was made from words alone.

    :raises StudioError: where its file, or that of its mask, is gone.
    """
    source = next((one for one in work.sources if one.ref.role == "source"), None)
    if source is None or source.asset is None:
        return None
    picture = sending.picture_of(source)
    frame = source.ref.canvas
    sent = canvas.on_canvas(picture, frame) if frame else picture
    return Before(sent=sent, box=_box(work.job.edit, picture.size), mask=_mask(work.sources))


def _mask(sources: Sequence[Source]) -> Mask | None:
    found = next((one for one in sources if sending.is_drawn_mask(one)), None)
    return sending.mask_of(found, sources) if found else None


def _box(edit: Mapping[str, Any], size: tuple[int, int]) -> Box | None:
    """Where the wanted picture lies on the canvas that was sent."""
    frame, extended = edit.get("frame"), edit.get("extend")
    if not frame:
        return None
    if not extended:
        return canvas.inner(tuple(frame), size)
    return Box(frame[2] - extended[2], frame[3] - extended[3], extended[0], extended[1])


def _cut(image: Image.Image, box: Box | None) -> Image.Image:
    return image if box is None else image.crop((box.left, box.top, box.right, box.bottom))


def _of_answer(image: Image.Image, before: Before) -> Image.Image:
    """The part of an answer that shows what the view shows, in the answer's own pixels."""
    if before.box is None:
        return image
    frame = (*before.sent.size, before.box.left, before.box.top)
    return canvas.cut_out(image, frame, (before.box.width, before.box.height))


def _after(image: Image.Image, before: Before, work: PictureWork) -> After:
    answer = _of_answer(image, before)
    told = _drift(before.view, answer, before.mask_view)
    if not work.job.edit.get("paste") or before.mask is None:
        return After(image=answer if before.box else None, drift=_told(told, before), heat=told.heat if told else b"")
    pasted = paste_back(before.sent, image, before.mask, feather=work.job.edit.get("feather"))
    if not pasted.pasted:
        shown = answer if before.box else None
        heat = told.heat if told else b""
        return After(image=shown, paste=_paste(pasted), drift=_told(told, before), heat=heat)
    result = _cut(pasted.image, before.box)
    soft = before.mask_view and feathered(before.mask_view, pasted.feather)
    left = _drift(before.view, result, soft)
    # The heat map is the answer's own: the pasted picture has none outside, and that is what it shows.
    heat = told.heat if told else b""
    # Where the soft edge leaves nothing outside there is nothing to tell.
    both = {**_told(left, before), "raw": _told(told, before)} if left else {}
    return After(image=result, paste=_paste(pasted), drift=both, heat=heat)


def _drift(parent: Image.Image, result: Image.Image, mask: Mask | None) -> Drift | None:
    """None where the two cannot be compared: another shape, or nothing outside the mask."""
    try:
        return drift(parent, result, mask)
    except StudioError:
        return None


def _told(found: Drift | None, before: Before) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "share": found.share,
        "mean": found.mean,
        "typical": found.typical,
        "worst": list(found.worst.region(before.view.size)),
        "worst_mean": found.worst_mean,
        "measured": found.measured,
        "threshold": found.threshold,
        "masked": before.mask is not None,
    }


def _paste(found: Pasted) -> dict[str, Any]:
    registration = found.registration
    return {
        "pasted": found.pasted,
        "code": found.code,
        "params": dict(found.params),
        "feather": found.feather,
        "shift": round(registration.shift, 2),
        "scale": registration.scale,
        "confidence": registration.confidence,
        "resampled": found.resampled,
        "tint": list(found.tint),
    }


# Rows --------------------------------------------------------------------------------------------------------------


def _shown(image: Image.Image, raw: Raw, answer: Asset, work: PictureWork, filing: Filing, after: After) -> Asset:
    """The pasted or cut picture as a row of its own; lossless, so that kept pixels are kept byte for byte."""
    pasted = bool(after.paste.get("pasted"))
    source_type = _mixed(raw.source_type, work) if pasted else raw.source_type
    file = encode(image, "png", source_type=source_type)
    asset = Asset(
        id=uuid7(),
        brand_id=work.job.brand_id,
        kind="composed",
        origin="compose",
        parent=answer,
        revision_id=work.words.revision_id,
        file=filing.write("edited", file.extension, file.data),
        has_alpha=image.mode == "RGBA",
        fingerprint=signed(fingerprint(image)),
        colours=blur_placeholder(image),
        source_type=source_type,
        publishable=answer.publishable,
        recipe=plain({"job": str(work.job.pk), "paste": after.paste, "frame": work.job.edit.get("frame")}),
        micro_usd=answer.micro_usd,
        created_by_id=answer.created_by_id,
        requested_by_id=answer.requested_by_id,
        **sizes(file),
    )
    inherit(asset, answer)
    asset.words = asset.search_words()
    return asset


def _mixed(source_type: str, work: PictureWork) -> str:
    """A picture that was wholly made by a model stays so; else real pixels stand beside made ones."""
    parent = work.derived_from
    wholly = parent is not None and parent.source_type == "trainedAlgorithmicMedia"
    return "trainedAlgorithmicMedia" if wholly else _MIXED if source_type else ""


def _heat_row(asset: Asset, data: bytes, filing: Filing) -> Rendition:
    picture = Image.open(io.BytesIO(data))
    digest = hashlib.sha256(data).hexdigest()
    file = Encoded(data=data, width=picture.width, height=picture.height, format="png", sha256=digest)
    return Rendition(asset=asset, spec="drift", file=filing.write("drift", "png", data), **sizes(file))


def _verdicts(image: Image.Image, shown: Asset, work: PictureWork, told: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """What can be judged of a picture before logo and words are on it; what cannot says that it did not run."""
    checks = _with_drift(work.style.checks)
    subject = Subject(
        kit=work.style.kit,
        image=image,
        under=image,
        format=shown.format,
        weight=shown.weight,
        prompt=str(work.job.edit.get("words", "")),
        alt=shown.alt_for(),
        source_type=shown.source_type,
        placeholder=not shown.publishable,
        drift=dict(told),
    )
    bare = [check for check in checks if check.bare]
    later = tuple(check.not_run("check.not_composed") for check in checks if not check.bare)
    return (*run_checks(bare, subject), *later)


def _with_drift(checks: Sequence[Check]) -> list[Check]:
    return [*checks] if any(isinstance(check, DriftCheck) for check in checks) else [*checks, DriftCheck()]
