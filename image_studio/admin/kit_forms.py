"""The rows of the brand page: one form per part of the kit."""

from __future__ import annotations

import hashlib
from dataclasses import fields as fields_of
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from image_studio.admin.fields import AnchorField, ListField, PercentField, Rows, WordsField, bytes_of, name_it, rows
from image_studio.brand.checks import Check
from image_studio.brand.kit import (
    LOCALE,
    CheckSetting,
    Font,
    Layout,
    Logo,
    LogoPlacement,
    Swatch,
    Term,
    TextPlacement,
)
from image_studio.brand.toml import MAX_FILE, check_font, check_logo
from image_studio.exceptions import StudioError
from image_studio.models.brand import slug_ok
from image_studio.wording import explain_error

locale_ok = RegexValidator(LOCALE, _("Write a language code such as en, ar or pt-BR."))

ROLE_CHOICES = [
    ("primary", _("Primary")),
    ("secondary", _("Secondary")),
    ("accent", _("Accent")),
    ("background", _("Background")),
    ("text", _("Text")),
    ("neutral", _("Neutral")),
]
GROUND_CHOICES = [("any", _("any ground")), ("light", _("light ground")), ("dark", _("dark ground"))]
KIND_CHOICES = [("prohibited", _("must not appear")), ("required", _("must appear"))]
WHERE_CHOICES = [("prompt", _("prompts")), ("overlay", _("texts on pictures")), ("alt", _("alt texts"))]
SEVERITY_CHOICES = [("fail", _("as measured")), ("warn", _("only warns")), ("off", _("does not run"))]


class BasicsForm(forms.Form):
    """Who the brand is, and how it speaks."""

    name = forms.CharField(label=_("Name"), max_length=200)
    slug = forms.CharField(
        label=_("Short name"),
        max_length=64,
        validators=[slug_ok],
        help_text=_("Small letters, digits and hyphens, for commands and addresses. It never changes later."),
    )
    locales = ListField(
        label=_("Languages"),
        required=True,
        validators=[locale_ok],
        help_text=_("Codes parted by commas, such as en, ar, pt-BR. Each gets its own column of pictures."),
    )
    default_locale = forms.CharField(
        label=_("Default language"),
        max_length=35,
        validators=[locale_ok],
        help_text=_("Its lines stand in where another language has none."),
    )
    voice = WordsField(label=_("Voice"), rows=3, help_text=_("How the brand sounds, in a sentence or two."))
    guidance = WordsField(
        label=_("Guidance"), rows=4, help_text=_("What its pictures are like, and what they never show.")
    )
    second_person = forms.BooleanField(
        label=_("Two persons"),
        required=False,
        help_text=_("Whoever asked for a picture may not approve it."),
    )


class SwatchForm(forms.Form):
    """One colour."""

    hex = forms.CharField(
        label=_("Colour"), initial="#000000", max_length=7, widget=forms.TextInput(attrs={"type": "color"})
    )
    name = forms.CharField(label=_("Name"), max_length=60)
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_CHOICES, initial="primary")
    tolerance = forms.FloatField(
        label=_("Tolerance"),
        initial=5.0,
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"class": "studio-number", "step": "any"}),
    )

    def clean_hex(self) -> str:
        return str(self.cleaned_data["hex"]).lower()

    def part(self) -> Swatch:
        return Swatch(**{f.name: self.cleaned_data[f.name] for f in fields_of(Swatch)})


class FileForm(forms.Form):
    """A row with a file: the one that is there stays unless another is chosen."""

    folder = ""
    name = forms.CharField(label=_("Name"), max_length=60)
    upload = forms.FileField(label=_("File"), required=False, allow_empty_file=True)
    file = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    sha256 = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    content: bytes | None = None

    def clean_upload(self) -> Any:
        upload = self.cleaned_data["upload"]
        if upload:
            data = bytes_of(upload, MAX_FILE)
            try:
                self.judge(upload.name, data)
            except StudioError as error:
                raise ValidationError(refusal(error)) from error
            self.content = data
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "upload" in cleaned and not cleaned["upload"] and not cleaned.get("sha256"):
            self.add_error("upload", _("Choose a file."))
        return cleaned

    def judge(self, name: str, data: bytes) -> None:
        raise NotImplementedError

    def file_values(self) -> dict[str, Any]:
        """``file`` and ``sha256`` of the part: the names come from us, never from the client."""
        if self.content is None:
            return {"file": self.cleaned_data["file"], "sha256": self.cleaned_data["sha256"]}
        sha256 = hashlib.sha256(self.content).hexdigest()
        stem = slugify(self.cleaned_data["name"]) or self.folder
        return {"file": f"{self.folder}/{stem}-{sha256[:8]}.{self.extension()}", "sha256": sha256}

    def extension(self) -> str:
        raise NotImplementedError


def refusal(error: StudioError) -> str:
    """A file's refusal in one sentence: what the gate said, rather than that it said something."""
    cause = error.__cause__
    return explain_error(cause if isinstance(cause, StudioError) else error)


class LogoForm(FileForm):
    """One version of the logo."""

    folder = "logos"
    on = forms.ChoiceField(label=_("Drawn for"), choices=GROUND_CHOICES, initial="any")
    clear_space = forms.FloatField(
        label=_("Clear space"),
        initial=0.5,
        min_value=0,
        max_value=4,
        widget=forms.NumberInput(attrs={"class": "studio-number", "step": "any"}),
    )
    min_width = forms.IntegerField(
        label=_("Least width"),
        initial=70,
        min_value=1,
        max_value=4096,
        widget=forms.NumberInput(attrs={"class": "studio-number"}),
    )

    def judge(self, name: str, data: bytes) -> None:
        check_logo(name, data)

    def extension(self) -> str:
        return "png" if (self.content or b"").startswith(b"\x89PNG") else "webp"

    def part(self) -> Logo:
        taken = {key: self.cleaned_data[key] for key in ("name", "on", "clear_space", "min_width")}
        return Logo(**taken, **self.file_values())


class FontForm(FileForm):
    """One font file."""

    folder = "fonts"
    locales = ListField(label=_("Only for languages"), validators=[locale_ok])

    def judge(self, name: str, data: bytes) -> None:
        check_font(name, data)

    def extension(self) -> str:
        given = PurePosixPath(self.cleaned_data["upload"].name).suffix.lower().lstrip(".")
        return given if given in ("ttf", "otf", "ttc") else "ttf"

    def part(self) -> Font:
        return Font(name=self.cleaned_data["name"], locales=self.cleaned_data["locales"], **self.file_values())


class TermForm(forms.Form):
    """A word that must, or must not, appear."""

    text = forms.CharField(label=_("Word or phrase"), max_length=200)
    kind = forms.ChoiceField(label=_("Rule"), choices=KIND_CHOICES, initial="prohibited")
    locale = forms.CharField(label=_("Language"), required=False, max_length=35, validators=[locale_ok])
    allow = ListField(label=_("Fine inside of"))
    where = forms.MultipleChoiceField(
        label=_("Where"),
        choices=WHERE_CHOICES,
        initial=[value for value, _words in WHERE_CHOICES],
        widget=forms.CheckboxSelectMultiple,
    )

    def part(self) -> Term:
        taken = {f.name: self.cleaned_data[f.name] for f in fields_of(Term)}
        return Term(**{**taken, "where": tuple(taken["where"])})


class LineForm(forms.Form):
    """A line's key, with a text per language."""

    key = forms.RegexField(
        r"^[A-Za-z][\w-]*$",
        label=_("Line"),
        max_length=60,
        error_messages={"invalid": _("A plain name such as headline or legal.")},
    )

    def __init__(self, *args: Any, locales: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.locales = locales
        for locale in locales:
            self.fields[f"text_{locale}"] = WordsField(label=locale, locale=locale, max_length=2000)

    def texts(self) -> Any:
        """Its cells, in the order of the columns."""
        return [(locale, self[f"text_{locale}"]) for locale in self.locales]


class TextForm(forms.Form):
    """Where one line goes."""

    line = forms.CharField(label=_("Line"), max_length=60, widget=forms.TextInput(attrs={"list": "studio-lines"}))
    anchor = AnchorField(label=_("Place"), initial="bottom-left")
    width = PercentField(label=_("Widest"), low=0.05, initial=0.8)
    size = PercentField(label=_("Type size"), low=0.005, high=0.6, initial=0.07)
    min_size = PercentField(label=_("Shrinks to"), low=0.005, high=0.6, initial=0.035)
    margin = PercentField(label=_("Margin"), high=0.45, initial=0.05)
    max_lines = forms.IntegerField(
        label=_("Most lines"),
        min_value=1,
        max_value=20,
        initial=3,
        widget=forms.NumberInput(attrs={"class": "studio-number"}),
    )
    colour = forms.CharField(
        label=_("Colour"), max_length=60, initial="auto", widget=forms.TextInput(attrs={"list": "studio-colours"})
    )
    backdrop = forms.CharField(
        label=_("Behind it"), max_length=60, initial="none", widget=forms.TextInput(attrs={"list": "studio-backdrops"})
    )
    optional = forms.BooleanField(label=_("May be left out"), required=False, initial=True)

    def part(self) -> TextPlacement:
        return TextPlacement(**{f.name: self.cleaned_data[f.name] for f in fields_of(TextPlacement)})


TextRows = rows(TextForm, spare=1, most=20)


class LayoutForm(forms.Form):
    """How one channel is composed, with its text rows inside."""

    channel = forms.ChoiceField(label=_("Channel"))
    has_logo = forms.BooleanField(label=_("Show the logo"), required=False, initial=True)
    anchor = AnchorField(label=_("Logo"), initial="top-left")
    logo_width = PercentField(label=_("Width"), low=0.01, initial=0.14)
    logo_margin = PercentField(label=_("Margin"), high=0.45, initial=0.04)
    logos = forms.MultipleChoiceField(
        label=_("Only these versions"), required=False, widget=forms.CheckboxSelectMultiple
    )
    label_anchor = AnchorField(label=_("Label"), initial="bottom-right")
    label_size = PercentField(label=_("Type size"), low=0.005, high=0.2, initial=0.022)

    def __init__(self, *args: Any, channels: Any = (), logos: Any = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A spare row must not look touched, so it starts with no channel at all.
        none = [] if self.initial else [("", _("Choose a channel"))]
        self.fields["channel"].choices = [*none, *channels]  # type: ignore[attr-defined]
        self.fields["logos"].choices = [(name, name) for name in logos]  # type: ignore[attr-defined]
        # A name that was renamed in the same post is judged with the whole kit, where the new one is known.
        self.fields["logos"].valid_value = lambda value: True  # type: ignore[attr-defined]
        data, files = (self.data, self.files) if self.is_bound else (None, None)
        self.texts: Rows = TextRows(data, files, prefix=f"{self.prefix}-texts", initial=self.initial.get("texts", ()))

    def has_changed(self) -> bool:
        return super().has_changed() or any(form.has_changed() for form in self.texts.forms)

    def is_valid(self) -> bool:
        own = super().is_valid()
        return (not self.has_changed() and self.empty_permitted) or (self.texts.is_valid() and own)

    def part(self, texts: tuple[TextPlacement, ...]) -> Layout:
        taken = self.cleaned_data
        logo = LogoPlacement(
            anchor=taken["anchor"], width=taken["logo_width"], margin=taken["logo_margin"], logos=tuple(taken["logos"])
        )
        return Layout(
            channel=taken["channel"],
            logo=logo if taken["has_logo"] else None,
            texts=texts,
            label_anchor=taken["label_anchor"],
            label_size=taken["label_size"],
        )

    @staticmethod
    def initial_of(layout: Layout) -> dict[str, Any]:
        logo = layout.logo or LogoPlacement()
        return {
            "channel": layout.channel,
            "has_logo": layout.logo is not None,
            "anchor": logo.anchor,
            "logo_width": logo.width,
            "logo_margin": logo.margin,
            "logos": list(logo.logos),
            "label_anchor": layout.label_anchor,
            "label_size": layout.label_size,
            "texts": [{f.name: getattr(text, f.name) for f in fields_of(TextPlacement)} for text in layout.texts],
        }


class CheckForm(forms.Form):
    """What one check's verdicts mean for this brand, with the check's own options."""

    severity = forms.ChoiceField(label=_("A failure"), choices=SEVERITY_CHOICES)
    blocks = forms.BooleanField(label=_("Blocks approval"), required=False)

    def __init__(self, *args: Any, check: Check, setting: CheckSetting | None, **kwargs: Any) -> None:
        self.check, self.setting = check, setting
        start = setting or CheckSetting(check=check.name)
        given = {f"option_{key}": value for key, value in start.options.items()}
        initial = {"severity": start.severity, "blocks": start.blocks, **given}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        for f in fields_of(check):
            field = _option_field(f.name, getattr(check, f.name))
            if field is not None:
                self.fields[f"option_{f.name}"] = field
        for shown in (self.fields["severity"], self.fields["blocks"]):
            name_it(shown)

    def options(self) -> Any:
        """The bound fields of the check's own options."""
        return [self[name] for name in self.fields if name.startswith("option_")]

    def part(self) -> CheckSetting | None:
        """The setting, or None where it says what would hold without it."""
        shown = [name for name in self.fields if name.startswith("option_")]
        kept = dict(self.setting.options) if self.setting else {}
        for name in shown:
            key, value = name.removeprefix("option_"), self.cleaned_data[name]
            kept.pop(key, None)
            if value not in (None, "", ()) and value != getattr(self.check, key):
                kept[key] = value
        found = CheckSetting(
            check=self.check.name,
            severity=self.cleaned_data["severity"],
            blocks=self.cleaned_data["blocks"],
            options=kept,
        )
        return None if self.setting is None and found == CheckSetting(check=self.check.name) else found


def _option_field(name: str, default: Any) -> forms.Field | None:
    """A field for an option of a plain type; others stay as the kit has them."""
    common: dict[str, Any] = {"label": name.replace("_", " "), "required": False}
    attrs = {"placeholder": str(default), "class": "studio-number"}
    if isinstance(default, bool):
        return forms.BooleanField(initial=default, **common)
    if isinstance(default, int):
        return forms.IntegerField(widget=forms.NumberInput(attrs=attrs), **common)
    if isinstance(default, float):
        return forms.FloatField(widget=forms.NumberInput(attrs={**attrs, "step": "any"}), **common)
    if isinstance(default, str):
        return forms.CharField(widget=forms.TextInput(attrs={"placeholder": default}), **common)
    return None
