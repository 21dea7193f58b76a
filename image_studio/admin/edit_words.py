"""What came of an edit, in words: pixels that were put back, and how far the rest drifted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from image_studio.admin.fields import ANCHOR_WORDS
from image_studio.models import EditCandidate
from image_studio.wording import explain

LETTERS = "ABCDEFGH"
#: The share of the area outside a mask from which on its change is pointed out.
LARGE = 0.05
Line = tuple[str, str]


def letter(index: int) -> str:
    """How a candidate is called: ``A``."""
    return LETTERS[index] if index < len(LETTERS) else str(index + 1)


def percent(share: float) -> str:
    """``3.1 %``; what is hardly anything is said as such."""
    if 0 < share < 0.001:
        return _("less than 0.1 %")
    return _("{n} %").format(n=number_format(share * 100, 1 if share < 0.1 else 0))


def short(drift: Mapping[str, Any]) -> str:
    """A few words under a small picture; empty where nothing was compared."""
    if not drift:
        return ""
    share = float(drift.get("share", 0))
    if not share:
        return _("nothing changed outside") if drift.get("masked") else _("nothing changed visibly")
    words = _("{share} outside changed") if drift.get("masked") else _("{share} changed")
    return words.format(share=percent(share))


def told(row: EditCandidate, kind: str) -> Iterator[Line]:
    """Lines under a picture: the look of the mark (``good``, ``warn`` or empty), and words.

    :param kind: of its step: what was extended has no marked part.
    """
    paste, drift = row.paste, row.drift
    if paste.get("pasted"):
        yield "good", _pasted(paste, kind)
    elif paste.get("code"):
        yield "warn", explain(paste["code"], paste.get("params") or {})
    if drift:
        yield from _drifted(drift)


def _pasted(paste: Mapping[str, Any], kind: str) -> str:
    feather = paste.get("feather")
    if kind == "extend":
        if not feather:
            return _("Every pixel of the picture before is in it as it was.")
        words = _("Every pixel of the picture before is in it as it was, but for a soft edge of {n} px.")
    elif not feather:
        return _("Every pixel outside the marked part is as it was before.")
    else:
        words = _("Every pixel outside the marked part and its soft edge of {n} px is as it was before.")
    return words.format(n=feather)


def _drifted(drift: Mapping[str, Any]) -> Iterator[Line]:
    raw = drift.get("raw")
    if raw:
        words = _("The model had also changed {share} of the area outside; that was put back.")
        if raw.get("share"):
            yield "", words.format(share=percent(float(raw["share"])))
        return
    share = float(drift.get("share", 0))
    masked = bool(drift.get("masked"))
    if not share:
        nothing = _("Nothing outside the marked part has visibly changed.")
        yield "good", nothing if masked else _("Nothing in the picture has visibly changed.")
        return
    words = _("{share} of the area outside changed; worst {where}, by a colour difference of {worst}.")
    if not masked:
        words = _("{share} of the picture changed; most {where}, by a colour difference of {worst}.")
    worst = number_format(float(drift.get("worst_mean", 0)), 1)
    look = "warn" if masked and share > LARGE else ""
    yield look, words.format(share=percent(share), where=where_words(drift.get("worst")), worst=worst)


def where_words(box: Sequence[float] | None) -> str:
    """A tile's place in the picture: ``in the part “top left”``."""
    if not box:
        return _("nowhere")
    across = ("left", "", "right")[min(2, int((box[0] + box[2] / 2) * 3))]
    down = ("top", "", "bottom")[min(2, int((box[1] + box[3] / 2) * 3))]
    name = "-".join(part for part in (down, across) if part) or "centre"
    return _("in the part “{place}”").format(place=str(ANCHOR_WORDS[name]).lower())
