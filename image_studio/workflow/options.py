"""What may be said of pictures beside channels, languages and takes: one table for form, API and shell.

Which of it a route can do is the catalog's word about its model: what it cannot is a finding before any spend, and
never left out without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.utils.crypto import salted_hmac

from image_studio import conf as site
from image_studio.catalog.refusals import BACKGROUNDS, refusals
from image_studio.catalog.specs import ModelSpec, names
from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.providers.base import Finding, InputRef, PictureRequest

#: More pictures than any model takes, letters of one choice, and of all raw options together; how deep those go.
MOST_PICTURES, MOST_LETTERS, MOST_RAW, DEEPEST = 64, 40, 8_000, 8


def _nothing(_spec: ModelSpec) -> tuple[str, ...]:
    return ()


def _always(_spec: ModelSpec) -> bool:
    return True


def _backgrounds(spec: ModelSpec) -> tuple[str, ...]:
    return BACKGROUNDS if spec.transparent else tuple(one for one in BACKGROUNDS if one != "transparent")


@dataclass(frozen=True, kw_only=True)
class Option:
    """One row of the table.

    :param kind: ``choice`` (a word), ``whole`` (a number), ``picture``, ``pictures`` (ids), ``raw`` (an object).
    :param choices: what a model offers of it.
    :param role: of its pictures among the inputs of a request; other options are fields of the request.
    :param has: whether a model can be told it at all.
    """

    name: str
    kind: str
    choices: Callable[[ModelSpec], tuple[str, ...]] = _nothing
    role: str = ""
    has: Callable[[ModelSpec], bool] = _always


OPTIONS: Mapping[str, Option] = {
    one.name: one
    for one in (
        Option(name="background", kind="choice", choices=_backgrounds),
        Option(name="output_format", kind="choice", choices=lambda spec: spec.formats),
        Option(name="compression", kind="whole"),
        Option(
            name="fidelity", kind="choice", choices=lambda spec: spec.fidelity, has=lambda spec: bool(spec.fidelity)
        ),
        Option(
            name="moderation",
            kind="choice",
            choices=lambda spec: spec.moderations,
            has=lambda spec: bool(spec.moderations),
        ),
        Option(
            name="complexity",
            kind="choice",
            choices=lambda spec: spec.complexity,
            has=lambda spec: bool(spec.complexity),
        ),
        Option(name="partial_images", kind="whole", has=lambda spec: spec.streams),
        Option(name="references", kind="pictures", role="reference", has=lambda spec: spec.max_inputs > 1),
        Option(name="mask", kind="picture", role="mask", has=lambda spec: spec.takes_mask),
        Option(name="markup", kind="picture", role="markup", has=lambda spec: spec.takes_markup),
        Option(name="extra", kind="raw"),
    )
}
#: What a catalog's refusal is about where every provider is judged alike; the rest is the provider's own business.
JUDGED = frozenset({"model", "inputs", *OPTIONS})


def frozen(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options as a matrix keeps them: plain values, what says nothing left out."""
    kept = {name: _plain(value) for name, value in given.items()}
    return MappingProxyType({name: value for name, value in kept.items() if value not in (None, "", (), [], {})})


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return dict(value) if isinstance(value, Mapping) else value


def judge_options(given: Mapping[str, Any]) -> None:
    """:raises InvalidRequest: ``option.unknown``, ``option.wrong_type``: nothing can be counted then."""
    for name, value in given.items():
        option = OPTIONS.get(name)
        if option is None:
            raise InvalidRequest("option.unknown", option=name, known=names(OPTIONS))
        if not _TYPES[option.kind](value):
            raise InvalidRequest(f"option.wrong_type.{option.kind}", option=name)


def _is_choice(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MOST_LETTERS


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_picture(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _are_pictures(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_PICTURES and all(map(_is_picture, value))


def _is_raw(value: Any) -> bool:
    try:
        return isinstance(value, dict) and _sound(value) and len(json.dumps(value, allow_nan=False)) <= MOST_RAW
    except (TypeError, ValueError):
        return False


def _sound(value: Any, deep: int = DEEPEST) -> bool:
    """Whether every database and every wire takes it: no NUL, no half of a character, no bottomless nesting.

    :raises UnicodeEncodeError: for half of a character.
    """
    if isinstance(value, str):
        return b"\0" not in value.encode()
    if not isinstance(value, (dict, list)):
        return True
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    return deep > 0 and all(_sound(part, deep - 1) for part in parts)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "choice": _is_choice,
    "whole": _is_whole,
    "picture": _is_picture,
    "pictures": _are_pictures,
    "raw": _is_raw,
}


# Pictures beside the source -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A picture that goes along with a request, and as what."""

    role: str
    asset: Asset

    @property
    def ref(self) -> InputRef:
        asset = self.asset
        focal = asset.focal if self.role == "source" else None
        return InputRef(asset=str(asset.pk), sha256=asset.sha256, role=self.role, focal=focal, size=asset.size)


def attached(policy: Policy, brand: Brand, source: Asset | None, options: Mapping[str, Any]) -> tuple[Attached, ...]:
    """The source and the pictures that options name, in the order in which a provider is given them.

    :raises InvalidRequest: ``option.no_such_picture``: not there, of another brand, or somebody else's.
    """
    wanted = named(options)
    found = _visible(policy, brand, [pk for _role, pk in wanted])
    for role, pk in wanted:
        if UUID(pk) not in found:
            raise InvalidRequest("option.no_such_picture", option=role, asset=pk)
    first = (Attached(role="source", asset=source),) if source else ()
    return (*first, *(Attached(role=role, asset=found[UUID(pk)]) for role, pk in wanted))


def named(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Role and id of every picture that options name."""
    return [(option.role, pk) for option in OPTIONS.values() if option.role for pk in _ids(options.get(option.name))]


def _ids(value: Any) -> list[str]:
    given = [value] if isinstance(value, str) else list(value or ())
    return list(dict.fromkeys(given))


def _visible(policy: Policy, brand: Brand, ids: Sequence[str]) -> dict[UUID, Asset]:
    if not ids:
        return {}
    rows: dict[UUID, Asset] = policy.visible(Asset.objects.filter(brand=brand)).in_bulk([UUID(pk) for pk in ids])
    return rows


# Into a request -----------------------------------------------------------------------------------------------------


def fields_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What goes into a request's own fields; pictures and raw options go their own ways."""
    return {name: value for name, value in options.items() if not OPTIONS[name].role and name != "extra"}


def findings_of(
    provider: Any, request: PictureRequest, model: ModelSpec, pictures: Sequence[Attached]
) -> tuple[Finding, ...]:
    """What a provider and the catalog refuse of a request, each thing once.

    The catalog speaks of options and pictures for every provider alike: one that knows nothing of an option would
    leave it out. Where the provider has words of its own for a field, those stand.

    :param pictures: its inputs, as far as they are known: their files are judged too.
    """
    own = tuple(provider.supports(request, model))
    general = [Finding(code=one.code, params=one.params, where=one.where) for one in _refused(request, model, pictures)]
    codes = {one.code for one in general}
    told = {one.where for one in own if one.code not in codes}
    more = (one for one in general if one.where in JUDGED - told and one not in own)
    return (*own, *more)


def _refused(request: PictureRequest, model: ModelSpec, pictures: Sequence[Attached]) -> Any:
    """The catalog's refusals, with what is known of the files. They are sent as PNG, which may weigh more."""
    given = [one.asset for one in pictures if one.role in ("source", "reference")]
    mask = next((one.asset for one in pictures if one.role == "mask"), None)
    return refusals(
        model,
        today=site.today(),
        **request.asked,
        input_bytes=[asset.weight for asset in given],
        input_size=given[0].size if given else None,
        mask_bytes=mask.weight if mask else None,
        mask_size=mask.size if mask else None,
        mask_alpha=mask.has_alpha if mask else None,
    )


def picture_findings(pictures: Sequence[Attached]) -> list[Finding]:
    """Pictures that may not be used now."""
    found = []
    for one in pictures:
        if one.asset.expired:
            found.append(Finding(code="job.source_expired", where=_place(one)))
        if one.asset.state in ("rejected", "withdrawn"):
            found.append(Finding(code="job.source_rejected", params={"state": one.asset.state}, where=_place(one)))
    return found


def _place(one: Attached) -> str:
    return "source" if one.role == "source" else "inputs"


# Who asks -----------------------------------------------------------------------------------------------------------


def keyed(policy: Policy, alias: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A stored request with a hash that stands for who asks, where the provider takes one.

    It tells a vendor's safety team two people apart and names neither: without the site's ``SECRET_KEY`` nobody gets
    from it to a user. It is no part of a request's digest: the same words make the same picture, whoever says them.
    Equal requests of two people are bought twice all the same. Each asked for pictures of their own, no generation
    is repeated by chance, and one may not be allowed to see the other's.
    """
    plain = {name: value for name, value in request.items() if name != "user_key"}
    # A job may be tried again whose provider the site has no more: it will fail, and says so itself.
    known = policy.user is not None and alias in site.conf().providers
    if not known or not getattr(site.provider(alias), "takes_user_key", False):
        return plain
    key = salted_hmac("image_studio.user_key", str(policy.user.pk), algorithm="sha256").hexdigest()
    return {**plain, "user_key": key}
