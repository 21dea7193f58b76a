"""Form fields and row forms that the studio's pages share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from image_studio.brand.kit import ANCHORS

# Only type checkers know a parameter of these.
if TYPE_CHECKING:
    BaseFormSet = forms.BaseFormSet[Any]
else:
    BaseFormSet = forms.BaseFormSet

ANCHOR_WORDS = {
    "top-left": _("Top left"),
    "top": _("Top"),
    "top-right": _("Top right"),
    "left": _("Left"),
    "centre": _("Centre"),
    "right": _("Right"),
    "bottom-left": _("Bottom left"),
    "bottom": _("Bottom"),
    "bottom-right": _("Bottom right"),
}
ANCHOR_CHOICES = [(anchor, ANCHOR_WORDS[anchor]) for anchor in ANCHORS]


class PercentField(forms.FloatField):
    """A fraction that people read and write as per cent.

    :param low: least and ``high`` largest fraction.
    """

    def __init__(self, *, low: float = 0.0, high: float = 1.0, **kwargs: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**kwargs)
        self.widget.attrs.update({"min": shown(low), "max": shown(high), "step": "any", "class": "studio-number"})

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        return None if number is None else round(number / 100, 6)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not self.low <= value <= self.high:
            raise ValidationError(
                _("From %(low)s to %(high)s per cent."), params={"low": shown(self.low), "high": shown(self.high)}
            )

    def prepare_value(self, value: Any) -> Any:
        return shown(value) if isinstance(value, (int, float)) else value


def shown(fraction: float) -> str:
    """A fraction as per cent, without needless zeros."""
    return f"{fraction * 100:.4f}".rstrip("0").rstrip(".")


class ListField(forms.CharField):
    """Words parted by commas, as a tuple."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=kwargs.pop("required", False), **kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(value)
        words = (word.strip() for word in (super().to_python(value) or "").split(","))
        return tuple(dict.fromkeys(word for word in words if word))

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """The text validators judge one string each."""
        for word in value:
            super().run_validators(word)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, (list, tuple)) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(tuple(initial or ()) != self.to_python(data))


class WordsField(forms.CharField):
    """A text that may have line breaks; browsers send them as CR LF, we keep LF."""

    widget = forms.Textarea

    def __init__(self, *, rows: int = 2, locale: str = "", **kwargs: Any) -> None:
        super().__init__(required=kwargs.pop("required", False), **kwargs)
        self.widget.attrs.update({"rows": rows, "cols": 30})
        if locale:
            self.widget.attrs.update({"lang": locale, "dir": "auto"})

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class AnchorField(forms.ChoiceField):
    """One of nine places; the page draws the radios as a square of three by three."""

    widget = forms.RadioSelect

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=ANCHOR_CHOICES, **kwargs)


class Rows(BaseFormSet):
    """Rows of a page that works without scripts: a few spare ones, and a box to drop each."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """A cell of a table has no label beside it: each control says its own name."""
        super().add_fields(form, index)
        for field in form.fields.values():
            name_it(field)

    def used(self) -> Iterator[Any]:
        """The valid forms that hold something and are not dropped."""
        for form in self.forms:
            if form.cleaned_data and not form.cleaned_data.get("DELETE") and not self.spare(form):
                yield form

    def spare(self, form: Any) -> bool:
        """Whether a form is a spare row that nobody touched."""
        return bool(form.empty_permitted and not form.has_changed())


def name_it(field: Any) -> None:
    """Give a control its label's words, for who cannot see the column that it stands in."""
    if field.label and not isinstance(field.widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)):
        field.widget.attrs.setdefault("aria-label", field.label)


def rows(form: type[forms.Form], *, spare: int = 2, most: int = 200, base: type[Rows] = Rows) -> Any:
    """A formset class of row forms."""
    return forms.formset_factory(
        form, formset=base, extra=spare, can_delete=True, max_num=most, absolute_max=most + 50, validate_max=True
    )


def bytes_of(upload: UploadedFile[Any], most: int) -> bytes:
    """An upload's bytes.

    :raises ValidationError: for more than ``most`` bytes; they are not read then.
    """
    if upload.size is not None and upload.size > most:
        raise ValidationError(
            _("The file has %(weight)s bytes, and at most %(most)s are taken."),
            params={"weight": upload.size, "most": most},
        )
    upload.seek(0)
    return bytes(upload.read(most + 1))
