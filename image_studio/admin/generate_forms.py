"""The form of *Generate brand-safe variants*, and what it orders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from image_studio.admin.fields import WordsField
from image_studio.brand.kit import LABELS, Kit
from image_studio.catalog.pricing import Price
from image_studio.conf import conf
from image_studio.exceptions import Conflict
from image_studio.models import SHARING, Asset, Brand, Channel, Prompt, PromptVersion, VariantSet
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.wording import explain
from image_studio.workflow.plan import Matrix
from image_studio.workflow.preview import Preview, RouteCard, preview
from image_studio.workflow.variants import request as order_set

MOST_SOURCES = 20


@dataclass(frozen=True, kw_only=True)
class Start:
    """What the page starts from: some pictures of one brand, or a prompt.

    :param problem: why it cannot start, in words; then the rest is empty.
    """

    brand: Brand | None = None
    sources: tuple[Asset, ...] = ()
    version: PromptVersion | None = None
    problem: str = ""

    @classmethod
    def read(cls, policy: Policy, query: QueryDict) -> Start:
        """From ``source`` and ``prompt`` of the address; what is not the person's to see is not there."""
        wanted = [pk for value in query.getlist("source") if (pk := _uuid(value))]
        if len(wanted) > MOST_SOURCES:
            words = explain("request.too_many_sources", {"count": len(wanted), "most": MOST_SOURCES})
            return cls(problem=words)
        found = policy.visible(Asset.objects.select_related("brand__revision")).in_bulk(wanted)
        sources = tuple(found[pk] for pk in dict.fromkeys(wanted) if pk in found)
        prompt = cls._prompt(policy, _uuid(query.get("prompt", "")))
        if len({asset.brand_id for asset in sources} | ({prompt.brand_id} if prompt else set())) > 1:
            return cls(problem=explain("request.mixed_brands"))
        brand = sources[0].brand if sources else prompt.brand if prompt else None
        return cls(brand=brand, sources=sources, version=prompt.version() if prompt else None)

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
    """Channels, languages, takes, route, the prompt's variables and the lines."""

    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(),
        label=_("Channels"),
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one channel.")},
    )
    locales = forms.MultipleChoiceField(
        label=_("Languages"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one language.")},
    )
    takes = forms.IntegerField(label=_("Takes"), min_value=1, initial=1)
    sharing = forms.ChoiceField(
        label=_("Pictures"), choices=list(SHARING.items()), initial="ratio", widget=forms.RadioSelect
    )
    route = forms.ChoiceField(
        label=_("Route"), widget=forms.RadioSelect, error_messages={"required": _("Choose how the pictures are made.")}
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, start: Start, cards: Sequence[RouteCard], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert start.brand is not None  # the page asks for the form only then
        self.start, self.kit = start, start.brand.kit
        self.cards = cards
        most = conf().max_takes
        self.fields["takes"] = forms.IntegerField(
            label=_("Takes"),
            min_value=1,
            max_value=most,
            initial=1,
            widget=forms.NumberInput(attrs={"class": "studio-number"}),
        )
        self.fields["channels"].queryset = Channel.objects.filter(active=True)  # type: ignore[attr-defined]
        self.fields["locales"].choices = [(code, code) for code in self.kit.locales]  # type: ignore[attr-defined]
        usable = [card for card in cards if card.usable]
        self.fields["route"].choices = [(card.spec.name, card.spec.title) for card in usable]  # type: ignore[attr-defined]
        self.initial.setdefault("locales", list(self.kit.locales))
        self.initial.setdefault("route", usable[0].spec.name if usable else "")
        self._add_variables()
        self._add_lines()

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

    def lines(self) -> list[tuple[str, list[tuple[str, Any]]]]:
        """Line key and its cells, for the page."""
        locales = self.kit.locales
        return [(key, [(locale, self[f"text_{key}_{locale}"]) for locale in locales]) for key in self.line_keys]

    def matrices(self) -> list[Matrix]:
        """One matrix for a prompt, or one per picture."""
        cleaned = self.cleaned_data
        names = [name for name in self.fields if name.startswith("var_")]
        chosen = tuple(code for code in self.kit.locales if code in cleaned["locales"])
        texts = {
            key: {code: words for code in chosen if (words := cleaned[f"text_{key}_{code}"].strip())}
            for key in self.line_keys
        }
        assert self.start.brand is not None
        return [
            Matrix(
                brand=self.start.brand,
                route=cleaned["route"],
                channels=tuple(cleaned["channels"]),
                locales=chosen,
                takes=cleaned["takes"],
                source=source,
                prompt_version=self.start.version,
                variables={name.removeprefix("var_"): cleaned[name] for name in names},
                texts={key: words for key, words in texts.items() if words},
                sharing=cleaned["sharing"],
                title=cleaned["title"],
            )
            for source in self.start.sources or (None,)
        ]


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


@dataclass(frozen=True, kw_only=True)
class Order:
    """The previews of everything that a form asks for, counted together."""

    previews: tuple[Preview, ...]

    @classmethod
    def of(cls, policy: Policy, matrices: Sequence[Matrix]) -> Order:
        return cls(previews=tuple(preview(policy, matrix) for matrix in matrices))

    @property
    def pictures(self) -> int:
        return sum(found.pictures for found in self.previews)

    @property
    def cells(self) -> int:
        return sum(found.cells for found in self.previews)

    @property
    def price(self) -> Price:
        return sum((found.price for found in self.previews), Price())

    @property
    def blocked(self) -> bool:
        return any(found.blocked for found in self.previews)

    @property
    def findings(self) -> tuple[Finding, ...]:
        every = [finding for found in self.previews for finding in found.findings]
        return tuple(finding for i, finding in enumerate(every) if finding not in every[:i])

    @property
    def digest(self) -> str:
        if len(self.previews) == 1:
            return self.previews[0].digest
        return hashlib.sha256("".join(found.digest for found in self.previews).encode()).hexdigest()

    def place(self, policy: Policy, key: str, *, seen: str) -> list[VariantSet]:
        """Ask for all of it. Each set's key derives from the form's, so that a second post makes nothing new.

        :param seen: the digest of what the person was shown.
        :raises Conflict: ``preview.changed`` where that is not what would be made now; then nothing is asked for.
        """
        if len(self.previews) == 1:
            # The workflow knows a key that was answered before it looks at the digest.
            return [order_set(policy, self.previews[0].matrix, key=key, digest=seen or "none")]
        if seen != self.digest:
            raise Conflict("preview.changed")
        return [order_set(policy, p.matrix, key=_key(key, p), digest=p.digest) for p in self.previews]


def _key(key: str, found: Preview) -> str:
    source = found.matrix.source
    return f"{key}:{source.pk}" if source else key
