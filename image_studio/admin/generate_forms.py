"""The form of *Generate brand-safe variants*, and what it starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from image_studio.admin import option_fields
from image_studio.admin.fields import WordsField
from image_studio.admin.generating import MOST_SOURCES
from image_studio.brand.kit import LABELS, Kit
from image_studio.conf import conf
from image_studio.models import SHARING, Asset, Brand, Channel, Prompt, PromptVersion, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain
from image_studio.workflow.plan import Matrix
from image_studio.workflow.preview import RouteCard

#: Without these nothing can be counted.
AXES = ("channels", "locales", "takes", "sharing")


@dataclass(frozen=True, kw_only=True)
class Start:
    """What the page starts from: some pictures of one brand, or a prompt.

    :param like: a set whose route and options are offered again.
    :param channels: slugs of the channels that are ticked at first; none ticks all.
    :param problem: why it cannot start, in words; then the rest is empty.
    :param notice: what was left out of it, in words.
    """

    brand: Brand | None = None
    sources: tuple[Asset, ...] = ()
    version: PromptVersion | None = None
    like: VariantSet | None = None
    channels: tuple[str, ...] = ()
    problem: str = ""
    notice: str = ""

    @classmethod
    def read(cls, policy: Policy, query: QueryDict) -> Start:
        """From ``source``, ``prompt`` and ``channel`` of the address; what is not the person's to see is not there."""
        wanted = list(dict.fromkeys(query.getlist("source")))
        if len(wanted) > MOST_SOURCES:
            words = explain("request.too_many_sources", {"count": len(wanted), "most": MOST_SOURCES})
            return cls(problem=words)
        ids = [pk for value in wanted if (pk := _uuid(value))]
        found = policy.visible(Asset.objects.select_related("brand__revision")).in_bulk(ids) if ids else {}
        sources = tuple(found[pk] for pk in dict.fromkeys(ids) if pk in found)
        prompt = cls._prompt(policy, _uuid(query.get("prompt", "")))
        if (wanted or query.get("prompt")) and not sources and prompt is None:
            return cls(problem=explain("request.start_missing"))
        if len({asset.brand_id for asset in sources} | ({prompt.brand_id} if prompt else set())) > 1:
            return cls(problem=explain("request.mixed_brands"))
        lost = len(wanted) - len(sources)
        notice = explain("request.starts_left_out", {"count": lost}) if lost else ""
        brand = sources[0].brand if sources else prompt.brand if prompt else None
        version, like = prompt.version() if prompt else None, cls._like(policy, brand, query.get("like", ""))
        channels = tuple(query.getlist("channel"))
        return cls(brand=brand, sources=sources, version=version, like=like, channels=channels, notice=notice)

    @staticmethod
    def _like(policy: Policy, brand: Brand | None, value: str) -> VariantSet | None:
        pk = _uuid(value) if value and brand else None
        return policy.visible(VariantSet.objects.filter(brand=brand)).filter(pk=pk).first() if pk else None

    @staticmethod
    def _prompt(policy: Policy, pk: UUID | None) -> Prompt | None:
        rows = policy.visible(Prompt.objects.select_related("brand__revision"))
        return rows.filter(pk=pk).first() if pk else None


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


class GenerateForm(forms.Form):
    """Channels, languages, takes, route, the prompt's variables, the lines and more options."""

    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    channels = forms.MultipleChoiceField(
        label=_("Channels"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Choose at least one channel."),
            "invalid_choice": _("There is no channel %(value)s any more. Choose again."),
        },
    )
    locales = forms.MultipleChoiceField(
        label=_("Languages"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Choose at least one language."),
            "invalid_choice": _("%(value)s is no language of this brand any more. Choose again."),
        },
    )
    takes = forms.IntegerField(label=_("Takes"), min_value=1, initial=1)
    sharing = forms.ChoiceField(
        label=_("Pictures"), choices=list(SHARING.items()), initial="ratio", widget=forms.RadioSelect
    )
    route = forms.ChoiceField(
        label=_("Route"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose how the pictures are made."),
            "invalid_choice": _("%(value)s can't be used here. Choose another route."),
        },
    )
    #: Room is left for the sets of one order, whose keys derive from it.
    key = forms.CharField(max_length=60, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, policy: Policy, start: Start, cards: Sequence[RouteCard], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert start.brand is not None  # the page asks for the form only then
        self.start, self.kit = start, start.brand.kit
        self.cards = cards
        self.by_slug = {channel.slug: channel for channel in Channel.objects.filter(active=True)}
        most = conf().max_takes
        self.fields["takes"] = forms.IntegerField(
            label=_("Takes"),
            help_text=_("Different pictures of each kind, to choose from."),
            min_value=1,
            max_value=most,
            initial=1,
            widget=forms.NumberInput(attrs={"class": "studio-number"}),
        )
        usable = [card.spec for card in cards if card.usable]
        self._choose_from("channels", [(slug, channel.name) for slug, channel in self.by_slug.items()])
        self._choose_from("locales", [(code, code) for code in self.kit.locales])
        self._choose_from("route", [(spec.name, spec.title) for spec in usable])
        named = [slug for slug in self.by_slug if slug in start.channels]
        self.initial.setdefault("channels", named or list(self.by_slug))
        self.initial.setdefault("locales", list(self.kit.locales))
        self._take_over([spec.name for spec in usable])
        self._add_variables()
        self._add_lines()
        models = (card.model for card in cards if card.usable and card.model)
        given = self.data if self.is_bound else self.initial
        self.fields.update(option_fields.option_fields(policy, start.brand, models, given))

    def _take_over(self, usable: Sequence[str]) -> None:
        """The route that is offered at first, and the options of the set that this one is to be like."""
        like = self.start.like
        self.initial.setdefault("route", like.route if like and like.route in usable else next(iter(usable), ""))
        if like:
            self.initial.update(option_fields.initial(like.matrix.get("options") or {}))

    def _choose_from(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def _add_variables(self) -> None:
        for row in self.start.version.variables if self.start.version else ():
            self.fields[f"var_{row['name']}"] = _variable(row)

    def _add_lines(self) -> None:
        self.line_keys = line_keys(self.kit)
        for key in self.line_keys:
            for locale in self.kit.locales:
                field = WordsField(label=locale, locale=locale, max_length=500, rows=2)
                field.widget.attrs["placeholder"] = self.kit.line(key, locale)
                self.fields[f"text_{key}_{locale}"] = field

    def variables(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("var_")]

    def options(self) -> list[option_fields.Shown]:
        """The fields of *More options*, as the chosen route's model has them."""
        chosen = str(self["route"].value() or "")
        model = next((card.model for card in self.cards if card.spec.name == chosen), None)
        return option_fields.shown(self, model)

    @property
    def options_open(self) -> bool:
        """Whether something is said there, or wrong."""
        return any(one.field.value() or one.field.errors for one in self.options())

    def lines(self) -> list[tuple[str, list[tuple[str, Any]]]]:
        """Line key and its cells, for the page."""
        locales = self.kit.locales
        return [(key, [(locale, self[f"text_{key}_{locale}"]) for locale in locales]) for key in self.line_keys]

    def matrices(self) -> list[Matrix]:
        """One matrix for a prompt, or one per picture: of what was sent, or of what is offered at first.

        Variables that do not hold are left out, and so is a route that was not chosen. Empty where channels,
        languages or takes cannot be counted.
        """
        given = self.cleaned_data if self.is_bound else self._offered()
        if not all(given.get(name) for name in AXES):
            return []
        assert self.start.brand is not None
        common = {
            "brand": self.start.brand,
            "route": given.get("route", ""),
            "channels": tuple(self.by_slug[slug] for slug in self.by_slug if slug in given["channels"]),
            "locales": tuple(code for code in self.kit.locales if code in given["locales"]),
            "takes": given["takes"],
            "prompt_version": self.start.version,
            "variables": {key.removeprefix("var_"): words for key, words in given.items() if key.startswith("var_")},
            "texts": self._texts(given),
            "sharing": given["sharing"],
            "title": given.get("title", ""),
            "options": option_fields.said(given),
        }
        return [Matrix(source=source, **common) for source in self.start.sources or (None,)]

    def _offered(self) -> dict[str, Any]:
        return {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}

    def _texts(self, given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """The set's own words in the chosen languages: line key -> locale -> words."""
        chosen = [code for code in self.kit.locales if code in given["locales"]]
        found = {
            key: {code: words for code in chosen if (words := (given.get(f"text_{key}_{code}") or "").strip())}
            for key in self.line_keys
        }
        return {key: words for key, words in found.items() if words}


def line_keys(kit: Kit, channels: Sequence[str] = ()) -> list[str]:
    """The lines that the kit's layouts show, the headline first; labels follow the truth and are not offered."""
    layouts = [kit.layout_for(slug) for slug in channels] or list(kit.layouts)
    found = dict.fromkeys(text.line for layout in layouts for text in layout.texts if text.line not in LABELS)
    return sorted(found, key=lambda key: key != "headline")


def _variable(row: dict[str, Any]) -> forms.Field:
    """A field for a prompt's variable; whether it holds is said by the prompt itself."""
    label, help_text, default = row["name"].replace("_", " "), row.get("help", ""), row.get("default", "")
    common: dict[str, Any] = {"label": label, "help_text": help_text, "required": not default}
    if row.get("type") == "choice":
        choices = [(choice, choice) for choice in row.get("choices", ())]
        return forms.ChoiceField(choices=choices, initial=default, **common)
    if row.get("type") == "number":
        return NumberText(initial=default, widget=forms.NumberInput(attrs={"step": "any"}), **common)
    return forms.CharField(max_length=2000, initial=default, **common)


class NumberText(forms.CharField):
    """A number that goes into a prompt as it was typed."""

    def validate(self, value: str) -> None:
        super().validate(value)
        try:
            float(value or 0)
        except ValueError:
            raise ValidationError(_("Write a number.")) from None
