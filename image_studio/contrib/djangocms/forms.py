"""The plugin's form: the studio's picker, which in drafts also offers what is not out yet."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from image_studio.brand import terms
from image_studio.conf import conf
from image_studio.contrib.djangocms.drafts import judge_placing, offered
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.exceptions import StudioError
from image_studio.fields.forms import AssetField, AssetPicker
from image_studio.models import Asset
from image_studio.wording import explain, explain_error


class PluginPicker(AssetPicker):
    """The picker with this plugin's own list; its script narrows that by the channel that is chosen above it."""

    @property
    def media(self) -> forms.Media:
        script: Any = forms.Script("image_studio_djangocms/plugin.js", type="module")
        return super().media + forms.Media(css={"all": ["image_studio_djangocms/plugin.css"]}, js=[script])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        field = getattr(self.choices, "field", None)
        if isinstance(field, PluginAssetField):
            url = reverse("admin:image_studio_djangocms_pick")
            context["picker"] |= {"url": f"{url}?drafts=1" if field.drafts else url, "channel": field.channel}
        return context


class PluginAssetField(AssetField):
    """A picture for a page: a published one, or in a draft one that its brand may still approve."""

    widget = PluginPicker

    def __init__(self, *args: Any, drafts: bool = False, **kwargs: Any) -> None:
        self.drafts = drafts
        super().__init__(*args, **kwargs)

    def choosable(self) -> Any:
        assert self.policy is not None  # the plugin always says who chooses
        rows: Any = self.queryset
        return offered(self.policy, drafts=self.drafts, channel=self.channel, rows=rows)

    def to_python(self, value: Any) -> Asset | None:
        if value in self.empty_values:
            return None
        asset = self._asset(value)
        if asset is not None and self._is_kept(asset):
            return asset
        try:
            return judge_placing(asset, policy=self.policy, drafts=self.drafts, channel=self.channel)
        except StudioError as error:
            raise forms.ValidationError(explain_error(error), code=error.code) from error


class ChannelSelect(forms.Select):
    """Tells the picker's script the slug of each channel."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        channel = getattr(value, "instance", None)
        if channel is not None:
            option["attrs"]["data-slug"] = channel.slug
        return option


class StudioPictureForm(forms.ModelForm):  # type: ignore[type-arg]
    """Picture, channel, words, link."""

    #: Of the page that the plugin stands on, for what the brand does not say in it.
    language = ""
    #: Where a new plugin is to stand: django CMS tells the row only when it is saved, the picture is judged before.
    place: Any = None

    use = forms.ChoiceField(label=_("Width"), help_text=_("How wide the page shows it, as this site defines."))

    class Meta:
        model = StudioPicture
        fields = ("channel", "picture", "use", "alignment", "alt", "decorative", "link_page", "link_url")
        widgets = {"channel": ChannelSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.place is not None and self.instance._state.adding:
            self.instance.placeholder = self.place
        names = list(dict.fromkeys(["default", *conf().pictures]))
        field: Any = self.fields["use"]
        field.choices = [(name, _("Standard") if name == "default" else name.replace("-", " ")) for name in names]
        self.initial["use"] = self.instance.use_now
        picture: Any = self.fields["picture"]
        picture.channel = self._channel()

    def _channel(self) -> str:
        """The slug of the channel that is chosen, sent or kept."""
        field: Any = self.fields["channel"]
        key = str(self["channel"].value() or "")
        row = field.queryset.filter(pk=key).first() if key.isdigit() else None
        return row.slug if row else ""

    def clean(self) -> dict[str, Any]:
        """:raises ValidationError: where the page's words are none that the brand lets its pictures have."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        asset, words = found.get("picture"), found.get("alt") or ""
        if found.get("decorative") and words:
            raise ValidationError({"alt": gettext("A decorative picture has no alt text. Empty this, or untick it.")})
        if asset is None or not words:
            return found
        never = [term for term in asset.brand.kit.terms if term.kind == "prohibited" and "alt" in term.where]
        for term in never:
            if terms.speaks(term.locale, self.language) and terms.stands_in(term, words):
                raise ValidationError({"alt": explain("asset.alt_term", {"locale": self.language, "term": term.text})})
        return found
