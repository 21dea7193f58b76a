"""The form side of pictures in a site's own models: a field that judges, and a control that shows.

Without a script the control is a select of the newest published pictures. In the admin a script makes it a dialog
with search and thumbnails; the select stays the one thing that is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.forms.models import ModelChoiceIterator
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from image_studio import storage
from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.wording import explain_error
from image_studio.workflow.usage import choosable, facts_of, judge_choice

#: As many as a select can hold before it hides more than it shows.
NEWEST = 50
#: The least width, in pixels, of a thumbnail's file.
THUMB = 300
#: What every browser shows.
PLAIN = ("jpeg", "png", "webp", "avif")
BOX = (160, 120)


class AssetPicker(forms.Select):
    """A select of pictures with the chosen one beside it."""

    template_name = "image_studio/picker.html"

    @property
    def media(self) -> forms.Media:
        script: Any = forms.Script("image_studio/picker.js", type="module")
        return forms.Media(css={"all": ["image_studio/picker.css"]}, js=[script])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        field = getattr(self.choices, "field", None)
        if isinstance(field, AssetField):
            context["picker"] = _picker(field, value)
        # The outer template is ours; the control inside is Django's own.
        context["widget"]["select_template"] = forms.Select.template_name
        return context

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> Any:
        """The newest, and the chosen one even where it is older."""
        groups = super().optgroups(name, value, attrs)
        field = getattr(self.choices, "field", None)
        shown = field.shown(value[0]) if isinstance(field, AssetField) and value and value[0] else None
        if shown is not None and not any(option["selected"] for _name, options, _index in groups for option in options):
            index = len(groups)
            option = self.create_option(name, str(shown.pk), label_of(shown), True, index)
            groups.append((None, [option], index))
        return groups


def _picker(field: AssetField, value: Any) -> dict[str, Any]:
    shown = field.shown(value)
    return {
        "asset": shown,
        "facts": facts_of(shown) if shown else "",
        "thumb": thumb_of(shown, field.policy) if shown else None,
        "alt": shown.alt_for() if shown else "",
        "state": state_of(shown) if shown else ("", ""),
        "gone": _gone(shown) if shown else "",
        "url": _url(),
        "brand": field.brand,
        "channel": field.channel,
    }


def _gone(asset: Asset) -> str:
    """Why a page shows nothing in the place of a picture that it holds; empty while it shows it."""
    try:
        judge_choice(asset)
    except StudioError as error:
        return explain_error(error)
    return ""


def _url() -> str:
    try:
        return reverse("admin:image_studio_asset_pick")
    except NoReverseMatch:
        return ""


class _Newest(ModelChoiceIterator):  # type: ignore[type-arg]
    """Rights and ends are asked when the choices are shown, not when the form's class was made."""

    def __iter__(self) -> Iterator[Any]:
        field: Any = self.field
        if field.empty_label is not None:
            yield "", field.empty_label
        for asset in field.choosable()[:NEWEST]:
            yield self.choice(asset)


class AssetField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A published picture, chosen by a person.

    :param policy: narrows the pictures to the brands of who chooses; None offers every published one, which all the
        world may see anyway.
    :param brand: slug; with ``channel`` as in :class:`~image_studio.fields.AssetForeignKey`.
    """

    iterator = _Newest
    widget = AssetPicker

    def __init__(
        self, queryset: Any = None, *, policy: Policy | None = None, brand: str = "", channel: str = "", **kwargs: Any
    ) -> None:
        self.policy, self.brand, self.channel = policy, brand, channel
        self._forget()
        kwargs.setdefault("empty_label", _("No picture"))
        super().__init__(Asset.objects.all() if queryset is None else queryset, **kwargs)

    def __deepcopy__(self, memo: Any) -> AssetField:
        copied: AssetField = super().__deepcopy__(memo)
        copied._forget()
        return copied

    def _forget(self) -> None:
        """Each form has its own: what its row holds, and which pictures were read for it."""
        self.kept: Any = None
        self._read: dict[str, Asset | None] = {}

    def get_bound_field(self, form: Any, field_name: str) -> forms.BoundField:
        """What the row holds may stay, whatever has become of it since."""
        row = getattr(form, "instance", None)
        # A row that is not there yet holds nothing: what an address proposes for it is nobody's word.
        held = None if row is not None and row._state.adding else form.get_initial_for_field(self, field_name)
        self.kept = self.prepare_value(held)
        return super().get_bound_field(form, field_name)

    def choosable(self) -> Any:
        """What may be chosen now."""
        rows: Any = self.queryset
        return choosable(policy=self.policy, brand=self.brand, channel=self.channel, rows=rows)

    def shown(self, value: Any) -> Asset | None:
        """The picture of a value, if this form may show it: an id that somebody made up must tell them nothing."""
        asset = self._asset(value)
        if asset is None or self._is_kept(asset):
            return asset
        seen = self.policy.can("view", asset) if self.policy else asset.state == "published"
        return asset if seen else None

    def to_python(self, value: Any) -> Asset | None:
        """:raises ValidationError: with the code and the words of what is wrong."""
        if value in self.empty_values:
            return None
        asset = self._asset(value)
        if asset is not None and self._is_kept(asset):
            return asset
        rows: Any = self.queryset
        offered = asset is not None and rows.filter(pk=asset.pk).exists()
        try:
            return judge_choice(asset, policy=self.policy, brand=self.brand, channel=self.channel, offered=offered)
        except StudioError as error:
            raise forms.ValidationError(explain_error(error), code=error.code) from error

    def label_from_instance(self, obj: Any) -> str:
        return label_of(obj)

    def _is_kept(self, asset: Asset) -> bool:
        return self.kept is not None and str(self.kept) == str(asset.pk)

    def _asset(self, value: Any) -> Asset | None:
        """The picture of an id, a broken id or a picture; read once a form."""
        key = str(self.prepare_value(value))
        if key not in self._read:
            self._read[key] = _read(key)
        return self._read[key]


def _read(key: str) -> Asset | None:
    try:
        found = UUID(key)
    except ValueError:
        return None
    return Asset.objects.select_related("brand", "channel").filter(pk=found).first()


def label_of(asset: Asset) -> str:
    return f"{asset} ({facts_of(asset)})"


def state_of(asset: Asset) -> tuple[str, Any]:
    """A state as a key and a word; ended rights are more than the state says."""
    return ("expired", _("Rights ended")) if asset.expired else (asset.state, ASSET.labels[asset.state])


def thumb_of(asset: Asset, policy: Policy | None) -> tuple[str, int, int] | None:
    """Address, width and height of a small picture that who looks may fetch: the public file, else the checked view."""
    scale = min(1.0, BOX[0] / asset.width, BOX[1] / asset.height)
    size = round(asset.width * scale) or 1, round(asset.height * scale) or 1
    files = [file for file in asset.renditions.all() if file.public] if asset.state == "published" else []
    if files:
        files.sort(key=lambda file: (PLAIN.index(file.format), file.width < THUMB, file.width))
        return storage.public().url(files[0].file), *size
    if policy is None or not policy.can("view", asset):
        return None
    return reverse("admin:image_studio_asset_picture", args=[asset.pk, "preview"]), *size


class OwnPictures:
    """For a ``ModelAdmin`` or an inline: offers and takes only pictures of the brands that the person belongs to."""

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if getattr(db_field, "is_studio_use", False):
            kwargs.setdefault("policy", Policy(request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
