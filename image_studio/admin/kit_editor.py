"""The brand page as one thing: a kit to forms, forms to a kit, and what does not hold back to its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from image_studio.admin.fields import Rows, rows
from image_studio.admin.kit_forms import (
    BasicsForm,
    CheckForm,
    FontForm,
    LayoutForm,
    LineForm,
    LogoForm,
    SwatchForm,
    TermForm,
)
from image_studio.brand.checks import Check
from image_studio.brand.kit import LOCALE, Kit, KitFiles, Layout, Line, TextPlacement
from image_studio.brand.rules import problems
from image_studio.exceptions import StudioError
from image_studio.models import Channel
from image_studio.wording import explain

BASICS = ("name", "slug", "locales", "default_locale", "voice", "guidance", "second_person")
SECTIONS = ("palette", "logos", "fonts", "terms")
ROW_FORMS: Mapping[str, Any] = {
    "palette": rows(SwatchForm, spare=2, most=60),
    "logos": rows(LogoForm, spare=1, most=20),
    "fonts": rows(FontForm, spare=1, most=20),
    "terms": rows(TermForm, spare=2, most=1000),
    "lines": rows(LineForm, spare=2, most=200),
    "layouts": rows(LayoutForm, spare=1, most=100),
}
#: A part's own name for a value -> the form's.
FIELD_OF = {
    ("logos", "file"): "upload",
    ("fonts", "file"): "upload",
    ("layouts", "logo.anchor"): "anchor",
    ("layouts", "logo.width"): "logo_width",
    ("layouts", "logo.margin"): "logo_margin",
    ("layouts", "logo.logos"): "logos",
}
_PLACE = re.compile(r"^brand(?:\.(?P<section>\w+)(?:\[(?P<index>\d+)\])?(?:\.(?P<rest>.+))?)?$")
_NESTED = re.compile(r"^texts\[(\d+)\](?:\.(\w+))?$")

STARTER = Kit(
    name="",
    slug="",
    layouts=(Layout(texts=(TextPlacement(line="headline", backdrop="scrim"),)),),
)


class KitEditor:
    """All forms of the brand page.

    :param kit: what is edited; for a new brand :data:`STARTER`.
    :param new: whether the slug may still be chosen.
    """

    def __init__(
        self,
        kit: Kit,
        *,
        channels: Sequence[Channel],
        checks: Sequence[Check],
        new: bool = False,
        data: Any = None,
        files: Any = None,
    ) -> None:
        self.before, self.data, self.files = kit, data, files
        self.columns = self._columns()
        self.basics = BasicsForm(data, prefix="basics", initial={**kit.to_dict(), "locales": kit.locales})
        if not new:
            self.basics.fields["slug"].disabled = True
            self.basics.initial["slug"] = kit.slug
        self.palette = self._rows("palette", [_values(part) for part in kit.palette])
        self.logos = self._rows("logos", [_values(part) for part in kit.logos])
        self.fonts = self._rows("fonts", [_values(part) for part in kit.fonts])
        self.terms = self._rows("terms", [_values(part) for part in kit.terms])
        self.lines = self._rows("lines", self._lines(), locales=self.columns)
        self.layouts = self._rows(
            "layouts",
            [LayoutForm.initial_of(layout) for layout in kit.layouts],
            channels=_channel_choices(channels, kit),
            logos=[logo.name for logo in kit.logos],
        )
        self.checks = [self._check(check) for check in checks]
        self.dropped = sorted({setting.check for setting in kit.checks} - {check.name for check in checks})
        self._parts: dict[str, list[Any]] = {}

    def is_valid(self) -> bool:
        """Whether every form holds, and the kit as a whole; all errors stand at their fields."""
        everything: Iterable[Any] = (self.basics, *self._formsets(), *self.checks)
        # A list, so that all are judged and not only those before the first error.
        if not all([form.is_valid() for form in everything]):  # noqa: C419
            return False
        self.kit, self.new_files = self._build()
        for code, params in problems(self.kit):
            self.refuse(code, params)
        return not self.error_count

    @property
    def error_count(self) -> int:
        """Wrong fields on the whole page."""
        own = [self.basics, *self.checks, *(form for formset in self._formsets() for form in formset.forms)]
        own += [form for layout in self.layouts.forms for form in layout.texts.forms]
        loose = sum(len(formset.non_form_errors()) for formset in self._formsets()) if self.data is not None else 0
        return loose + sum(len(form.errors) for form in own if form.is_bound and not _untouched(form))

    def refuse(self, code: str, params: Mapping[str, Any]) -> None:
        """Put an error where it belongs: at the field of a place such as ``brand.logos[0].file``, else on top."""
        form, field = self._locate(str(params.get("place", "")), str(params.get("key", "")))
        # Where the words stand says the place better than its path does.
        words = explain(code, {**params, "place": ""}).removeprefix(": ")
        form.add_error(field if field in form.fields else None, words)

    def refuse_error(self, error: StudioError) -> None:
        self.refuse(error.code, error.params)

    def lines_known(self) -> list[str]:
        """Keys to offer where a layout names a line."""
        return list(dict.fromkeys(["headline", "legal", *(line.key for line in self.before.lines)]))

    def _formsets(self) -> tuple[Rows, ...]:
        return (self.palette, self.logos, self.fonts, self.terms, self.lines, self.layouts)

    def _rows(self, name: str, initial: list[dict[str, Any]], **form_kwargs: Any) -> Rows:
        made: Rows = ROW_FORMS[name](
            self.data, self.files, prefix=name, initial=initial, form_kwargs=form_kwargs or None
        )
        return made

    def _check(self, check: Check) -> CheckForm:
        setting = next((row for row in self.before.checks if row.check == check.name), None)
        return CheckForm(self.data, prefix=f"check-{check.name}", check=check, setting=setting)

    def _columns(self) -> tuple[str, ...]:
        """The grid's languages: those that were on the page, so that a post is read as it was shown."""
        posted = str(self.data.get("columns", "")).split(",") if self.data is not None else []
        return tuple(dict.fromkeys(code for code in posted if LOCALE.match(code))) or self.before.locales

    def _lines(self) -> list[dict[str, Any]]:
        texts: dict[str, dict[str, Any]] = {}
        for line in self.before.lines:
            texts.setdefault(line.key, {"key": line.key})[f"text_{line.locale}"] = line.text
        wanted = [text.line for layout in self.before.layouts for text in layout.texts]
        for key in wanted:
            texts.setdefault(key, {"key": key})
        return list(texts.values())

    def _build(self) -> tuple[Kit, KitFiles]:
        self._parts = {name: list(getattr(self, name).used()) for name in (*SECTIONS, "layouts")}
        basics = self.basics.cleaned_data
        values: dict[str, Any] = {name: tuple(form.part() for form in self._parts[name]) for name in SECTIONS}
        kit = Kit(
            **{key: basics[key] for key in BASICS},
            **values,
            lines=tuple(self._read_lines(basics["locales"])),
            layouts=tuple(self._read_layouts()),
            checks=tuple(part for form in self.checks if (part := form.part())),
        )
        given = [form for name in ("logos", "fonts") for form in self._parts[name] if form.content is not None]
        return kit, KitFiles(by_sum={form.file_values()["sha256"]: form.content for form in given})

    def _read_lines(self, locales: tuple[str, ...]) -> Iterable[Line]:
        """The cells that hold words, in the languages that the brand now has."""
        self._parts["lines"] = []
        for form in self.lines.used():
            for locale in self.columns:
                words = form.cleaned_data[f"text_{locale}"]
                if words and locale in locales:
                    self._parts["lines"].append((form, f"text_{locale}"))
                    yield Line(key=form.cleaned_data["key"], locale=locale, text=words)

    def _read_layouts(self) -> Iterable[Layout]:
        for form in self._parts["layouts"]:
            texts = list(form.texts.used())
            form.used_texts = texts
            yield form.part(tuple(text.part() for text in texts))

    def _locate(self, place: str, key: str) -> tuple[Any, str]:
        found = _PLACE.match(place)
        section, index, rest = (found["section"], found["index"], found["rest"]) if found else (None, None, None)
        if section is None or section not in (*SECTIONS, "lines", "layouts", "checks"):
            return self.basics, section or key
        finder: Callable[[int, str], tuple[Any, str]] = {
            "lines": self._line_at,
            "layouts": self._layout_at,
            "checks": self._check_at,
        }.get(section, lambda number, name: (self._parts[section][number], FIELD_OF.get((section, name), name)))
        try:
            return finder(int(index or -1), rest or key)
        except (IndexError, KeyError, TypeError):
            return self.basics, ""

    def _line_at(self, index: int, rest: str) -> tuple[Any, str]:
        form, field = self._parts["lines"][index]
        return form, "key" if rest == "key" else field

    def _layout_at(self, index: int, rest: str) -> tuple[Any, str]:
        form = self._parts["layouts"][index]
        nested = _NESTED.match(rest)
        if nested:
            return form.used_texts[int(nested[1])], nested[2] or "line"
        return form, FIELD_OF.get(("layouts", rest), rest or "channel")

    def _check_at(self, index: int, rest: str) -> tuple[Any, str]:
        name = self.kit.checks[index].check
        return next(form for form in self.checks if form.check.name == name), rest


def _values(part: Any) -> dict[str, Any]:
    return {f.name: getattr(part, f.name) for f in fields_of(part)}


def _untouched(form: forms.BaseForm) -> bool:
    return form.empty_permitted and not form.has_changed()


def _channel_choices(channels: Sequence[Channel], kit: Kit) -> list[tuple[str, Any]]:
    """Every channel, the one for all others, and slugs that the kit names though this site has no such channel."""
    known = {channel.slug: f"{channel.name} ({channel.width} x {channel.height})" for channel in channels}
    missing = {layout.channel: layout.channel for layout in kit.layouts if layout.channel not in {*known, "*"}}
    return [("*", _("Every channel without its own")), *known.items(), *missing.items()]
