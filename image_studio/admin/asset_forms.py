"""The form of a picture's words: alt texts, rights, tags and focal point."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.fields import ListField, PercentField, WordsField
from image_studio.admin.languages import language
from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.library import describe, words_digest

RIGHTS = ("rights_owner", "licence", "territory", "expires_at")
#: Where the workflow's refusals belong; the language of an alt text comes with the error.
PLACES = {"asset.focal_outside": "focal_x"}
LONGEST_ALT = 1000


class MomentInput(forms.DateTimeInput):
    """A date and a time of day, by the browser's own picker."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class AssetForm(forms.Form):
    """What may change of a picture; its bytes never do. The alt texts are those of the brand's languages."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200, required=False)
    tags = ListField(label=gettext_lazy("Tags"), help_text=gettext_lazy("Parted by commas. The search finds them."))
    focal_x = PercentField(label=gettext_lazy("From the left, %"), required=False)
    focal_y = PercentField(label=gettext_lazy("From the top, %"), required=False)
    rights_owner = forms.CharField(label=gettext_lazy("Rights owner"), max_length=200, required=False)
    licence = forms.CharField(label=gettext_lazy("Licence"), max_length=200, required=False)
    territory = forms.CharField(label=gettext_lazy("Territory"), max_length=200, required=False)
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Rights end"),
        required=False,
        widget=MomentInput,
        help_text=gettext_lazy("From then on it is shown nowhere. Empty never ends."),
    )
    #: The sum of the words that the person began from.
    seen_words = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, asset: Asset) -> None:
        self.asset = asset
        end = asset.expires_at
        super().__init__(
            data,
            initial={
                **{name: getattr(asset, name) for name in ("title", "tags", "focal_x", "focal_y", *RIGHTS)},
                "expires_at": end and end.replace(second=0, microsecond=0),
                "seen_words": words_digest(asset),
            },
        )
        for locale in asset.brand.kit.locales:
            self.fields[f"alt_{locale}"] = WordsField(
                label=language(locale), locale=locale, max_length=LONGEST_ALT, initial=asset.alt.get(locale, "")
            )

    @property
    def alts(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("alt_")]

    @property
    def rights(self) -> list[Any]:
        return [self[name] for name in RIGHTS]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        x, y = cleaned.get("focal_x"), cleaned.get("focal_y")
        if (x is None) != (y is None) and not {"focal_x", "focal_y"} & set(self.errors):
            self.add_error("focal_y" if y is None else "focal_x", _("A point needs both parts; or leave both empty."))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """The keywords for :func:`describe`: only what the person changed."""
        cleaned, changed = self.cleaned_data, set(self.changed_data) - {"seen_words"}
        found: dict[str, Any] = {name: cleaned[name] for name in ("title", "tags", *RIGHTS) if name in changed}
        words = {name.removeprefix("alt_"): cleaned[name] for name in changed if name.startswith("alt_")}
        if words:
            # Languages that the brand no longer has keep their words.
            found["alt"] = {**self.asset.alt, **words}
        clear = set()
        if {"focal_x", "focal_y"} & changed:
            point = cleaned["focal_x"], cleaned["focal_y"]
            found["focal"] = None if point[0] is None else point
            clear |= {"focal"} if point[0] is None else set()
        if "expires_at" in changed and cleaned["expires_at"] is None:
            clear.add("expires_at")
        return {**found, "clear": frozenset(clear)} if found or clear else {}

    def save(self, policy: Policy) -> list[str]:
        """Write what changed and return its labels; a refusal becomes an error at its field, and nothing is lost."""
        changes = self.changes()
        if not changes:
            return []
        try:
            describe(policy, self.asset, seen=self.cleaned_data["seen_words"], **changes)
        except StudioError as error:
            self._refuse(error)
        return [str(self.fields[name].label or name) for name in self.changed_data if name != "seen_words"]

    def _refuse(self, error: StudioError) -> None:
        place = PLACES.get(error.code)
        alt = f"alt_{error.params.get('locale') or str(error.params.get('locales', '')).split(', ')[0]}"
        self.add_error(alt if alt in self.fields else place, explain_error(error))
        if error.code == "asset.words_changed":
            # The next save is made in the knowledge of theirs.
            self.data = {**self._sent(), "seen_words": words_digest(self.asset)}

    def _sent(self) -> dict[str, Any]:
        return {name: self.data.get(name, "") for name in self.fields}
