"""The tables of takes: what an art director would tell apart, in the order in which it is wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace

Focal = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """One row of the tables of takes.

    :param kind: ``crop`` or the surround: ``mirror``, ``blur``, ``colour``, ``clear``;
        ``place`` for a cut-out.
    :param by: which map leads a crop: ``saliency`` or ``entropy``.
    :param zoom: of a crop, against the largest window.
    :param third: where in the crop the subject stands.
    :param loose: of an extended canvas: 0 trims the picture to its subject, 1 shows all of it.
    :param air: the picture's share of the canvas on the tighter axis.
    :param lean: where the picture stands in the play that is left: 0 left or top, 1 right or bottom.
    """

    kind: str = "crop"
    by: str = "saliency"
    zoom: float = 1.0
    third: Focal = (0.5, 0.5)
    loose: float = 1.0
    air: float = 1.0
    lean: float | None = None


_LEFT = (0.36, 0.5)

#: The asked ratio is the picture's own.
SAME = (
    Treatment(),
    Treatment(zoom=1.35, third=_LEFT),
    Treatment(kind="mirror", air=0.74),
    Treatment(zoom=1.75),
    Treatment(kind="colour", lean=1.0),
    Treatment(by="entropy", zoom=1.35),
    Treatment(kind="blur", air=0.84),
    Treatment(kind="mirror", air=0.7, lean=1.0),
)
#: A crop keeps the subject.
CROP = (
    Treatment(),
    Treatment(kind="blur"),
    Treatment(zoom=1.35, third=_LEFT),
    Treatment(kind="mirror"),
    Treatment(by="entropy", zoom=1.2),
    Treatment(kind="colour", lean=1.0),
    Treatment(kind="mirror", loose=0.4),
    Treatment(zoom=1.75),
)
#: A crop would cut the subject.
EXTEND = (
    Treatment(kind="mirror", loose=0.0),
    Treatment(kind="blur"),
    Treatment(kind="colour", loose=0.0, lean=1.0),
    Treatment(kind="mirror", loose=0.6, lean=0.12),
    Treatment(),
    Treatment(kind="blur", loose=0.0, lean=0.85),
    Treatment(kind="colour", loose=0.6, lean=0.0),
    Treatment(by="entropy", zoom=1.3),
)
#: The rest of the canvas shall be transparent: there is nothing to extend with, so place and size differ.
CLEAR = (
    Treatment(),
    Treatment(kind="clear"),
    Treatment(zoom=1.35, third=_LEFT),
    Treatment(kind="clear", air=0.82, lean=0.12),
    Treatment(by="entropy", zoom=1.3),
    Treatment(kind="clear", air=0.62),
    Treatment(kind="clear", loose=0.0, air=0.7, lean=0.88),
    Treatment(zoom=1.75),
)
#: As before, where a crop would cut the subject.
CLEAR_WHOLE = (CLEAR[1], CLEAR[0], *CLEAR[2:])
#: The picture is a cut-out: it is placed, not cropped.
PLACE = (
    Treatment(kind="place", air=0.84),
    Treatment(kind="place", air=0.84, lean=0.12),
    Treatment(kind="place", air=1.3),
    Treatment(kind="place", air=0.84, lean=0.88),
    Treatment(kind="place", air=0.58),
    Treatment(kind="place", air=1.75, third=(0.5, 0.35)),
    Treatment(kind="place", air=0.66, lean=0.2),
    Treatment(kind="place", air=1.0, lean=0.7),
)
#: How many takes differ by treatment; later ones vary the same treatments.
TAKES = len(CROP)


def choose(table: tuple[Treatment, ...], take: int, seed: int) -> Treatment:
    """The treatment of a take; an odd ``seed`` swaps the sides, later rounds tighten and move it."""
    chosen = table[take % TAKES]
    if seed % 2:
        chosen = _flipped(chosen)
    turn = take // TAKES
    return _varied(chosen, turn) if turn else chosen


def _flipped(chosen: Treatment) -> Treatment:
    third = (1 - chosen.third[0], chosen.third[1])
    return replace(chosen, third=third, lean=None if chosen.lean is None else 1 - chosen.lean)


def _varied(chosen: Treatment, turn: int) -> Treatment:
    if chosen.kind == "crop":
        other = (1 - chosen.third[0], 0.42) if turn % 2 else (chosen.third[0], 0.58)
        return replace(chosen, zoom=chosen.zoom * (1 + 0.22 * turn), third=other)
    lean = (0.0, 1.0, 0.3, 0.7)[turn % 4] if chosen.lean is None else 1 - chosen.lean
    return replace(chosen, lean=lean, air=chosen.air * (1 - 0.12 * min(turn, 4)))
