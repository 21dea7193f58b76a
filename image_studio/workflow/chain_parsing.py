"""``chain.json`` judged whole, before anything of it is believed or kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.decode import EXTENSIONS
from image_studio.imaging.metadata import SOURCE_TYPES
from image_studio.models import (
    BEGINNINGS,
    CHECK_KINDS,
    FILE_ROLES,
    REFERENCE_ROLES,
    STEP_KINDS,
    STEP_REASONS,
    VERDICTS,
)
from image_studio.runner.edit_requests import DETAILS, MOST_CANDIDATES, MOST_REFERENCES, Polygon, StepOrder
from image_studio.states import CHAIN, STEP
from image_studio.workflow.chain_document import (
    CURRENCY,
    FORMAT,
    MOST_EDGE,
    MOST_INPUTS,
    MOST_MONEY,
    MOST_PICTURES,
    MOST_STEPS,
    MOST_VERDICTS,
    ROLES,
    STATUSES,
    VERSION,
    CandidateDoc,
    Document,
    FileDoc,
    HeatDoc,
    InputDoc,
    PictureDoc,
    StepDoc,
)
from image_studio.workflow.chain_reading import CODE, SUM, Place, parsed
from image_studio.workflow.chains import MOST_NOTE
from image_studio.workflow.edit_files import MOST_POINTS
from image_studio.workflow.step_asking import MOST_LETTERS

_KEY = re.compile(r"[a-z][0-9]{1,5}")
_MAYBE_SUM = re.compile(r"([0-9a-f]{64})?")
_MEASURES = ("share", "mean", "typical", "worst_mean", "measured", "threshold")


def read_document(data: bytes) -> Document:
    """:raises InvalidRequest: ``chain_archive.*``, naming the place."""
    top = parsed(data)
    if top.value.get("format") != FORMAT:
        raise InvalidRequest("chain_archive.other_format", found=str(top.value.get("format"))[:60], wanted=FORMAT)
    if top.value.get("version") != VERSION or top.value.get("version") is True:
        raise InvalidRequest("chain_archive.other_version", found=str(top.value.get("version"))[:20], known=VERSION)
    top.one_of("currency", (CURRENCY,))
    chain = top.at("chain")
    document = Document(
        sha256=hashlib.sha256(data).hexdigest(),
        title=chain.text("title", 200),
        state=chain.one_of("state", tuple(CHAIN.labels)),
        head=chain.whole("head", 1, MOST_STEPS),
        told={name: chain.text(name, 200) for name in ("id", "who", "created_at")},
        pictures={key: _picture(place, key) for key, place in top.named("pictures", MOST_PICTURES)},
        files={key: _file(place, key) for key, place in top.named("files", MOST_PICTURES)},
        steps=tuple(map(_step, top.rows("steps", MOST_STEPS))),
    )
    _judge_tree(document, top)
    return document


# Pictures and files ------------------------------------------------------------------------------------------------


def _name(place: Place) -> tuple[str, str]:
    """A file's name and sum: the one follows from the other, so nothing can be named that is not ours."""
    sha256 = place.text("sha256", 64, like=SUM)
    name = place.text("file", 200)
    if name not in [f"files/{sha256}.{extension}" for extension in EXTENSIONS.values()]:
        raise place.bad("file", f"files/{sha256[:8]}….png")
    return name, sha256


def _picture(place: Place, key: str) -> PictureDoc:
    if not _KEY.fullmatch(key):
        raise place.bad("", _("called p1, p2 and so on"))
    file, sha256 = _name(place)
    rights, focal = place.at("rights"), place.numbers("focal", 2, 0, 1)
    told = {name: place.text(name, 64) for name in ("kind", "origin", "copy_of", "created_at")}
    return PictureDoc(
        key=key,
        file=file,
        sha256=sha256,
        source_type=place.one_of("source_type", SOURCE_TYPES, empty=True),
        publishable=place.flag("publishable", usual=True),
        expires_at=rights.moment("expires_at"),
        words={
            "title": place.text("title", 200),
            "alt": {locale: place.at("alt").text(locale, 1_000) for locale in place.at("alt").value},
            "tags": [_text(place, "tags", one) for one in place.many("tags", 50)],
            "focal": (focal[0], focal[1]) if focal else None,
            "rights_owner": rights.text("owner", 200),
            "licence": rights.text("licence", 200),
            "territory": rights.text("territory", 200),
        },
        told={
            **told,
            "source_type": place.text("source_type", 64),
            "micro_usd": place.whole("micro_usd", 0, MOST_MONEY),
            "verdicts": [_verdict(row) for row in place.rows("verdicts", MOST_VERDICTS)],
        },
    )


def _text(place: Place, key: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise place.bad(key, _("a list of texts"))
    return value


def _verdict(row: Place) -> dict[str, Any]:
    return {
        "check": row.text("check", 64),
        "kind": row.one_of("kind", tuple(CHECK_KINDS)),
        "verdict": row.one_of("verdict", tuple(VERDICTS)),
        "blocks": row.flag("blocks"),
        "code": row.text("code", 80, like=CODE),
        "params": row.plain("params"),
        "reason": row.text("reason", 4_000),
        "score": row.number("score") if row.has("score") else None,
        "region": row.numbers("region", 4, -10, 10) or None,
        "rule": row.text("rule", 20),
    }


def _file(place: Place, key: str) -> FileDoc:
    file, sha256 = _name(place)
    region, polygons = _shape(place.at("told"))
    return FileDoc(
        key=key,
        role=place.one_of("role", tuple(FILE_ROLES)),
        file=file,
        sha256=sha256,
        size=(place.whole("width", 1, MOST_EDGE), place.whole("height", 1, MOST_EDGE)),
        region=region,
        polygons=polygons,
    )


def _shape(place: Place) -> tuple[tuple[float, float, float, float] | None, tuple[Polygon, ...]]:
    """A place in fractions of a picture."""
    region = place.numbers("region", 4, -1, 2)
    polygons = tuple(_polygon(place, points) for points in place.many("polygons", MOST_POINTS))
    if sum(map(len, polygons)) > MOST_POINTS:
        raise place.bad("polygons", _("at most %(most)s points") % {"most": MOST_POINTS})
    return (region[0], region[1], region[2], region[3]) if region else None, polygons


def _polygon(place: Place, points: Any) -> Polygon:
    inside = Place(value={"points": points}, name=place.path("polygons"))
    found = []
    for point in inside.many("points", MOST_POINTS):
        x, y = Place(value={"point": point}, name=inside.name).numbers("point", 2, -1, 2) or (None, None)
        if x is None or y is None:
            raise place.bad("polygons", _("points of two numbers"))
        found.append((x, y))
    return tuple(found)


# Steps -------------------------------------------------------------------------------------------------------------


def _step(place: Place) -> StepDoc:
    kind = place.one_of("kind", tuple(STEP_KINDS))
    fault = place.at("fault")
    return StepDoc(
        number=place.whole("number", 1, MOST_STEPS),
        parent=place.maybe("parent", 1, MOST_STEPS),
        parent_candidate=place.maybe("parent_candidate", 0, MOST_CANDIDATES),
        kind=kind,
        instruction=place.text("instruction", MOST_LETTERS),
        route=place.text("route", 40),
        order=_order(place.at("order"), kind) if place.at("order").value else None,
        inputs=tuple(map(_input, place.rows("inputs", MOST_INPUTS))),
        status=place.one_of("status", STATUSES),
        fault_code=fault.text("code", 80, like=CODE),
        fault_params=fault.plain("params"),
        state=place.one_of("state", tuple(STEP.labels)),
        choice=place.maybe("choice", 0, MOST_CANDIDATES),
        reason=place.one_of("reason", tuple(STEP_REASONS), empty=True),
        note=place.text("note", MOST_NOTE),
        candidates=tuple(map(_candidate, place.rows("candidates", 2 * MOST_CANDIDATES))),
        told={
            "who": place.text("who", 200),
            "created_at": place.text("created_at", 40),
            "made": place.plain("made"),
        },
    )


def _order(place: Place, kind: str) -> StepOrder:
    if place.one_of("kind", tuple(STEP_KINDS)) != kind:
        raise place.bad("kind", kind)
    region, polygons = _shape(place)
    return StepOrder(
        kind=kind,
        instruction=place.text("instruction", MOST_LETTERS),
        route=place.text("route", 40),
        parent=place.maybe("parent", 1, MOST_STEPS),
        candidate=place.maybe("candidate", 0, MOST_CANDIDATES),
        candidates=place.whole("candidates", 1, MOST_CANDIDATES) if place.has("candidates") else 1,
        region=region,
        polygons=polygons,
        mask=place.text("mask", 6),
        markup=place.text("markup", 6),
        feather=place.maybe("feather", 0, 500),
        paste=place.flag("paste", usual=True),
        references=tuple(_reference(place, one) for one in place.many("references", MOST_REFERENCES)),
        ratio=place.text("ratio", 40),
        anchor=place.text("anchor", 20) or "center",
        detail=place.one_of("detail", DETAILS) if place.has("detail") else "standard",
        early=place.flag("early"),
    )


def _reference(place: Place, pair: Any) -> tuple[str, str]:
    """As what, and the picture's key; empty where the picture is gone."""
    if not isinstance(pair, list) or len(pair) != 2:
        raise place.bad("references", _("pairs of two texts"))
    inside = Place(value={"as": pair[0], "picture": pair[1]}, name=place.path("references"))
    return inside.one_of("as", tuple(REFERENCE_ROLES)), inside.text("picture", 6)


def _input(place: Place) -> InputDoc:
    return InputDoc(
        role=place.one_of("role", ROLES),
        used_as=place.one_of("as", tuple(REFERENCE_ROLES), empty=True),
        picture=place.text("picture", 6),
        file=place.text("file", 6),
        sha256=place.text("sha256", 64, like=_MAYBE_SUM),
        size=tuple(map(int, place.numbers("size", 2, 1, MOST_EDGE))),
        canvas=tuple(map(int, place.numbers("canvas", 4, -MOST_EDGE, MOST_EDGE))),
    )


def _candidate(place: Place) -> CandidateDoc:
    fault, heat = place.at("fault"), place.at("heat")
    return CandidateDoc(
        index=place.whole("index", 0, MOST_CANDIDATES),
        picture=place.text("picture", 6),
        raw=place.text("raw", 6),
        sha256=place.text("sha256", 64, like=_MAYBE_SUM),
        size=(place.whole("width", 0, MOST_EDGE), place.whole("height", 0, MOST_EDGE)),
        micro_usd=place.whole("micro_usd", 0, MOST_MONEY),
        fault_code=fault.text("code", 80, like=CODE),
        fault_params=fault.plain("params"),
        paste=_paste(place.at("paste")),
        drift=_drift(place.at("drift")),
        heat=HeatDoc(**dict(zip(("file", "sha256"), _name(heat), strict=True))) if heat.value else None,
    )


def _paste(place: Place) -> dict[str, Any]:
    """What was put back, with the types that pages reckon with; empty where nothing was to be."""
    if not place.value:
        return {}
    found: dict[str, Any] = {"pasted": place.flag("pasted"), "code": place.text("code", 80, like=CODE)}
    found["params"] = place.plain("params")
    for name in ("feather", "shift", "scale", "confidence"):
        if place.has(name):
            place.number(name)
            found[name] = place.value[name]
    if place.has("resampled"):
        found["resampled"] = place.flag("resampled")
    if place.has("tint"):
        found["tint"] = place.numbers("tint", 3, -1_000, 1_000)
    return found


def _drift(place: Place, *, inside: bool = False) -> dict[str, Any]:
    """What changed, with the types that pages reckon with; empty where nothing was compared."""
    if not place.value:
        return {}
    found: dict[str, Any] = {}
    if any(place.has(name) for name in (*_MEASURES, "worst", "masked")):
        for name in _MEASURES:
            if not place.has(name):
                raise place.bad(name, _("a number"))
            place.number(name)
            found[name] = place.value[name]
        found["worst"] = place.numbers("worst", 4, -1, 2) or [0, 0, 1, 1]
        found["masked"] = place.flag("masked")
    if place.has("raw") and not inside:
        found["raw"] = _drift(place.at("raw"), inside=True)
    return found


# The tree ----------------------------------------------------------------------------------------------------------


def _judge_tree(document: Document, top: Place) -> None:
    """Numbers, parents, choices and keys fit together; whoever comes later is nobody's ancestor."""
    steps = document.steps
    if not steps:
        raise top.bad("steps", _("at least one step"))
    for index, step in enumerate(steps):
        place = Place(value={}, name=f"steps[{index}]")
        if step.number != index + 1:
            raise place.bad("number", str(index + 1))
        _judge_place(step, steps, place)
        _judge_decision(step, place)
        for key, known, name in _keys(step):
            if key and key not in (document.pictures if known == "pictures" else document.files):
                raise InvalidRequest("chain_archive.no_such_key", place=place.path(name), key=key, part=known)
    if document.head > len(steps):
        raise top.at("chain").bad("head", _("the number of a step"))


def _judge_place(step: StepDoc, steps: Sequence[StepDoc], place: Place) -> None:
    if (step.parent is None) != (step.number == 1):
        raise place.bad("parent", _("the number of an earlier step, and nothing for the first alone"))
    if (step.kind in BEGINNINGS) != (step.number == 1):
        raise place.bad("kind", _("a beginning for the first step alone"))
    if step.parent is None:
        if step.parent_candidate is not None:
            raise place.bad("parent_candidate", _("nothing for the first step"))
        return
    if step.parent >= step.number:
        raise place.bad("parent", _("the number of an earlier step"))
    before = steps[step.parent - 1]
    grown = before.candidate(step.parent_candidate)
    if step.parent_candidate is not None and grown is None:
        raise place.bad("parent_candidate", _("one of that step's pictures"))
    if grown and grown.picture and step.source and grown.picture != step.source:
        raise place.bad("inputs", _("the picture that it grows from"))


def _judge_decision(step: StepDoc, place: Place) -> None:
    numbers = [one.index for one in step.candidates]
    if len(set(numbers)) != len(numbers):
        raise place.bad("candidates", _("each with a number of its own"))
    if (step.choice is not None) != (step.state == "chosen") or (
        step.choice is not None and step.choice not in numbers
    ):
        raise place.bad("choice", _("one of its pictures where it is chosen, else nothing"))


def _keys(step: StepDoc) -> Iterator[tuple[str, str, str]]:
    """Every key that a step speaks of, what it is a key of, and where it stands."""
    for one in step.inputs:
        yield one.picture, "pictures", "inputs"
        yield one.file, "files", "inputs"
    for candidate in step.candidates:
        yield candidate.picture, "pictures", "candidates"
        yield candidate.raw, "pictures", "candidates"
    if step.order is not None:
        yield step.order.mask, "files", "order.mask"
        yield step.order.markup, "files", "order.markup"
        for _role, key in step.order.references:
            yield key, "pictures", "order.references"
