"""What the workbench's form asks for: the fields of a step, and the ``StepOrder`` that they make."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import picture_url
from image_studio.admin.fields import PercentField, WordsField
from image_studio.models import REFERENCE_ROLES, Asset, EditChain
from image_studio.policy import Policy
from image_studio.runner.edit_requests import MOST_REFERENCES
from image_studio.workflow.steps import StepOrder
from image_studio.workflow.usage import facts_of

#: The kinds that are chosen by name; a marked part or a drawing makes the others of a plain change.
KINDS = {
    "edit": gettext_lazy("Change"),
    "extend": gettext_lazy("Extend"),
    "restyle": gettext_lazy("Restyle"),
    "combine": gettext_lazy("Combine"),
    "remove_background": gettext_lazy("Remove background"),
    "replace_background": gettext_lazy("Replace background"),
}
RATIOS = ("1:1", "4:5", "2:3", "9:16", "4:3", "3:2", "16:9", "21:9")
ANCHORS = {
    "center": gettext_lazy("In the middle"),
    "top": gettext_lazy("At the top"),
    "bottom": gettext_lazy("At the bottom"),
    "left": gettext_lazy("At the left"),
    "right": gettext_lazy("At the right"),
}
DETAILS = {
    "standard": gettext_lazy("As the route makes it"),
    "full": gettext_lazy("As large as the picture"),
}
EDGES = {
    "left": gettext_lazy("Left %"),
    "top": gettext_lazy("Top %"),
    "width": gettext_lazy("Width %"),
    "height": gettext_lazy("Height %"),
}
HIDDEN = ("parent", "candidate", "key", "mask", "markup", "polygons")
#: Library pictures that a row lists for who has no script.
LISTED = 30
MOST_POLYGONS, MOST_POINTS = 100, 4000
THUMB = (68, 56)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A picture that goes along, as the form shows it."""

    role: str
    asset: Asset | None
    options: Sequence[tuple[str, str]] = ()

    @property
    def value(self) -> str:
        return str(self.asset.pk) if self.asset else ""

    @property
    def facts(self) -> str:
        return facts_of(self.asset) if self.asset else ""

    @property
    def thumb(self) -> tuple[str, int, int]:
        asset = self.asset
        if asset is None:
            return "", 0, 0
        scale = min(1.0, THUMB[0] / asset.width, THUMB[1] / asset.height)
        return picture_url(asset.pk), round(asset.width * scale) or 1, round(asset.height * scale) or 1


class AskForm(forms.Form):
    """The right side of the workbench. :meth:`order` says what it means, whole or not."""

    parent = forms.IntegerField(min_value=1)
    candidate = forms.IntegerField(min_value=0, required=False)
    key = forms.CharField(max_length=64)
    digest = forms.CharField(max_length=128, required=False)
    mask = forms.UUIDField(required=False)
    markup = forms.UUIDField(required=False)
    polygons = forms.CharField(required=False, max_length=200_000)

    kind = forms.ChoiceField(choices=list(KINDS.items()), widget=forms.RadioSelect)
    instruction = WordsField(rows=4, label=gettext_lazy("What should be different"), max_length=8000, strip=True)
    ratio = forms.ChoiceField(
        label=gettext_lazy("To the ratio"), choices=[(one, one) for one in RATIOS], required=False
    )
    anchor = forms.ChoiceField(label=gettext_lazy("The picture stands"), choices=list(ANCHORS.items()), required=False)
    left = PercentField(required=False, label=EDGES["left"])
    top = PercentField(required=False, label=EDGES["top"])
    width = PercentField(required=False, label=EDGES["width"])
    height = PercentField(required=False, label=EDGES["height"])
    feather = forms.IntegerField(required=False, min_value=0, max_value=500, label=gettext_lazy("Soft edge, in pixels"))
    paste = forms.BooleanField(required=False, label=gettext_lazy("Keep every pixel outside the marked part as it was"))
    route = forms.CharField(max_length=40, error_messages={"required": gettext_lazy("Choose a route.")})
    candidates = forms.TypedChoiceField(
        label=gettext_lazy("Candidates"), choices=[(n, n) for n in range(1, 5)], coerce=int
    )
    detail = forms.ChoiceField(label=gettext_lazy("Size"), choices=list(DETAILS.items()), required=False)
    early = forms.BooleanField(required=False, label=gettext_lazy("Show early versions while it works"))

    def __init__(self, data: Any = None, *, policy: Policy, chain: EditChain, refs: Any = (), **kwargs: Any) -> None:
        super().__init__(data, prefix=None, auto_id="ask_%s", **kwargs)
        self.policy, self.chain = policy, chain
        self.reference_error = ""
        self.chosen = _posted(data) if data is not None else _plain(refs)
        for name in EDGES:
            self.fields[name].widget.attrs["inputmode"] = "decimal"

    # For the page --------------------------------------------------------------------------------------------------

    @property
    def kept(self) -> list[tuple[str, Any]]:
        """What goes along unseen; the digest stands for what is shown now, so the page has that."""
        values = [(name, self[name].value()) for name in HIDDEN]
        return [(name, "" if value is None else value) for name, value in values]

    @property
    def roles(self) -> list[tuple[str, Any]]:
        return list(REFERENCE_ROLES.items())

    @property
    def most_references(self) -> int:
        return MOST_REFERENCES

    @property
    def edges(self) -> list[Any]:
        return [self[name] for name in EDGES]

    @property
    def where_open(self) -> bool:
        """Whether one of the folded fields says something."""
        return any(self[name].value() not in (None, "") or self[name].errors for name in (*EDGES, "feather"))

    @property
    def references(self) -> Iterator[Row]:
        """What was chosen, and a spare row."""
        options = self._options()
        found = self._assets()
        for role, value in self.chosen:
            asset = found.get(value)
            if asset is not None:
                yield Row(role=role, asset=asset, options=[(value, str(asset)), *options])
        if len(self.chosen) < MOST_REFERENCES:
            yield Row(role="style", asset=None, options=options)

    @property
    def empty_reference(self) -> Row:
        return Row(role="style", asset=None)

    def _options(self) -> list[tuple[str, str]]:
        rows = self.policy.visible(Asset.objects.filter(brand=self.chain.brand_id)).order_by("-pk")[:LISTED]
        return [(str(asset.pk), f"{asset} ({asset.width} × {asset.height})") for asset in rows.only(*_LIGHT)]

    def _assets(self) -> dict[str, Asset]:
        ids = [value for _role, value in self.chosen]
        if not ids:
            return {}
        rows = self.policy.visible(Asset.objects.filter(brand=self.chain.brand_id)).select_related("brand", "channel")
        return {str(pk): asset for pk, asset in rows.in_bulk([UUID(one) for one in ids]).items()}

    # What it means ---------------------------------------------------------------------------------------------------

    def clean_route(self) -> str:
        return str(self.cleaned_data["route"])

    def clean_polygons(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Corners in fractions, as the page's script tells rectangles."""
        try:
            return _polygons(json.loads(self.cleaned_data["polygons"] or "[]"))
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise forms.ValidationError(_("The marked part cannot be read. Mark it again.")) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given = [cleaned.get(name) for name in EDGES]
        if any(part is not None for part in given) and not all(part is not None for part in given):
            self.add_error("left", _("Give all four numbers of the part, or none."))
        if cleaned.get("kind") == "extend" and not cleaned.get("ratio"):
            self.add_error("ratio", _("Choose the ratio to which it is extended."))
        return cleaned

    def order(self, route: str = "") -> StepOrder:
        """What is asked for, as far as the form holds.

        :param route: instead of the chosen one.
        """
        told: Mapping[str, Any] = getattr(self, "cleaned_data", None) or {}
        kind = str(told.get("kind") or "edit")
        if kind == "extend":
            # What lies around the picture is all that may change: the page hides the mark, and keeps it for later.
            told = {**told, **dict.fromkeys(("mask", "markup", "polygons", *EDGES))}
        return StepOrder(
            kind="markup" if kind == "edit" and told.get("markup") else kind,
            instruction=str(told.get("instruction") or ""),
            route=route or str(told.get("route") or ""),
            parent=told.get("parent"),
            candidate=told.get("candidate"),
            candidates=int(told.get("candidates") or 1),
            **_part(told),
            mask=str(told.get("mask") or ""),
            markup=str(told.get("markup") or ""),
            feather=told.get("feather"),
            paste=bool(told.get("paste", True)),
            references=tuple(self.chosen),
            ratio=str(told.get("ratio") or "") if kind == "extend" else "",
            anchor=str(told.get("anchor") or "center"),
            detail=str(told.get("detail") or "standard"),
            early=bool(told.get("early")),
        )


_LIGHT = ("title", "width", "height", "brand", "channel", "alt", "kind", "origin", "locale")


def _part(told: Mapping[str, Any]) -> dict[str, Any]:
    """The marked part: numbers come first, one rectangle is a region, a painted mask needs neither."""
    edges = [told.get(name) for name in EDGES]
    if told.get("mask"):
        return {}
    if all(part is not None for part in edges):
        return {"region": tuple(edges)}
    polygons: Sequence[Any] = told.get("polygons") or ()
    region = _rectangle(polygons[0]) if len(polygons) == 1 else None
    return {"region": region} if region else {"polygons": polygons}


def _rectangle(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float] | None:
    xs, ys = sorted({x for x, _y in points}), sorted({y for _x, y in points})
    if len(points) != 4 or len(xs) != 2 or len(ys) != 2:
        return None
    return xs[0], ys[0], round(xs[1] - xs[0], 6), round(ys[1] - ys[0], 6)


def _polygons(given: Any) -> tuple[tuple[tuple[float, float], ...], ...]:
    """:raises ValueError: for anything that is no list of corners inside the picture."""
    if not isinstance(given, list) or len(given) > MOST_POLYGONS or sum(map(len, given)) > MOST_POINTS:
        raise ValueError
    found = tuple(tuple((float(x), float(y)) for x, y in points) for points in given)
    if not all(0 <= part <= 1 for points in found for point in points for part in point):
        raise ValueError
    return found


def _posted(data: Any) -> list[tuple[str, str]]:
    """Role and id of each row that has a picture."""
    lists = [
        data.getlist(name) if hasattr(data, "getlist") else list(data.get(name, ())) for name in ("ref_as", "ref_asset")
    ]
    return _plain(zip(*lists, strict=False))


def _plain(rows: Any) -> list[tuple[str, str]]:
    found = []
    for row in list(rows)[:MOST_REFERENCES]:
        try:
            role, value = row
            found.append((role if role in REFERENCE_ROLES else "other", str(UUID(str(value)))))
        except (TypeError, ValueError):
            continue
    return found


def fresh_key() -> str:
    return uuid.uuid4().hex
