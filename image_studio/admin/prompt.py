"""Prompts: words with places in them. Saving changed words makes a new version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.fields import ListField, WordsField, rows
from image_studio.admin.generating import generate, generate_url
from image_studio.exceptions import StudioError
from image_studio.models import Brand, Prompt, PromptVersion, read_template
from image_studio.models.prompt import MAX_PROMPT
from image_studio.wording import explain, explain_error
from image_studio.workflow.prompts import save_prompt

TYPES = [("text", gettext_lazy("Text")), ("choice", gettext_lazy("Choice")), ("number", gettext_lazy("Number"))]


class VariableForm(forms.Form):
    """What is said of one place of the template."""

    name = forms.RegexField(
        r"^[A-Za-z_]\w*$",
        label=gettext_lazy("Place"),
        max_length=60,
        error_messages={"invalid": gettext_lazy("A plain name, as it stands between the braces.")},
    )
    type = forms.ChoiceField(label=gettext_lazy("Kind"), choices=TYPES, initial="text")
    default = forms.CharField(label=gettext_lazy("Default"), required=False, max_length=500)
    choices = ListField(label=gettext_lazy("Choices"))
    help = forms.CharField(label=gettext_lazy("Help"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # A cell of a table: its column's heading is all that is seen, and no screen reader links the two.
            field.widget.attrs["aria-label"] = field.label

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        kind, default, choices = cleaned.get("type"), cleaned.get("default"), cleaned.get("choices") or ()
        if kind == "choice" and not choices:
            self.add_error("choices", _("Write the choices, parted by commas."))
        elif kind == "choice" and default and default not in choices:
            self.add_error("default", _("Take one of the choices, or leave it empty."))
        elif kind == "number" and default and not _is_number(default):
            self.add_error("default", _("Write a number, or leave it empty."))
        return cleaned


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


VariableRows = rows(VariableForm, spare=2, most=60)


class PromptForm(forms.ModelForm):  # type: ignore[type-arg]
    """The prompt with its newest words, and a row per place."""

    template = WordsField(
        label=gettext_lazy("Words"),
        required=True,
        rows=7,
        max_length=MAX_PROMPT,
        help_text=gettext_lazy("Write {product} where something changes from picture to picture."),
    )

    class Meta:
        model = Prompt
        fields = ("brand", "name", "slug", "description", "archived")
        widgets: ClassVar[dict[str, Any]] = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = self.instance.versions.first() if self.instance.pk and not self.instance._state.adding else None
        self.newest: PromptVersion | None = newest
        if newest:
            self.initial.setdefault("template", newest.template)
        declared = [{**row, "choices": tuple(row.get("choices", ()))} for row in (newest.variables if newest else ())]
        self.variables = VariableRows(self.data if self.is_bound else None, prefix="variables", initial=declared)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.declared = []
        if self._places_hold():
            self.declared = [
                {**row.cleaned_data, "choices": list(row.cleaned_data["choices"])} for row in self.variables.used()
            ]
            for row in self.declared:
                row.pop("DELETE", None)
        else:
            self.add_error(None, _("Look at the places below the words."))
        brand = cleaned.get("brand") or (None if self.newest is None else self.instance.brand)
        twins = Prompt.objects.filter(brand=brand, slug=cleaned.get("slug", "")).exclude(pk=self.instance.pk)
        if brand and twins.exists():
            self.add_error("slug", explain("prompt.slug_taken", {"slug": cleaned["slug"]}))
        if "template" in cleaned:
            try:
                read_template(cleaned["template"], self.declared)
            except StudioError as error:
                self.add_error("template", explain_error(error))
        return cleaned

    def _places_hold(self) -> bool:
        """Whether every row holds, and none says something else of a place that has one."""
        if not self.variables.is_valid():
            return False
        seen: set[str] = set()
        held = True
        for row in self.variables.used():
            name = row.cleaned_data["name"]
            if name in seen:
                row.add_error("name", _("This place has a row above. Keep one of them."))
                held = False
            seen.add(name)
        return held


@admin.register(Prompt)
class PromptAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "write_prompt", "add": "write_prompt"}
    form = PromptForm
    list_display = ("name", "brand", "words", "places", "version_count", "changed_at")
    list_filter = ("archived", ("brand", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "slug", "description")
    #: Said, because the counts beside each row would undo the model's own.
    ordering = ("name",)
    actions = (generate,)
    change_form_template = "admin/image_studio/prompt.html"
    prepopulated_fields: ClassVar[dict[str, Any]] = {}
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("brand", ("name", "slug"), "template")}),
        (gettext_lazy("About it"), {"fields": ("description", "archived"), "classes": ("studio-after",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).select_related("brand").prefetch_related("versions")
        rows: QuerySet[Any] = found.annotate(version_total=Count("versions"), newest_at=Max("versions__created_at"))
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("brand",) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "brand":
            kwargs["queryset"] = policy_of(request).brands("write_prompt")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        prompt = context.get("original")
        brands = policy_of(request).brands("write_prompt")
        context.update(
            variables=context["adminform"].form.variables if "adminform" in context else None,
            versions=prompt.versions.all() if prompt else [],
            generate_url=generate_url(prompt=prompt.pk)
            if prompt and policy_of(request).can("generate", prompt)
            else "",
            only_brand=brands.first() if not prompt and brands.count() == 1 else None,
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        brands = list(policy_of(request).brands("write_prompt")[:2])
        given = super().get_changeform_initial_data(request)
        return {"brand": brands[0].pk, **given} if len(brands) == 1 else given

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Nothing is saved beside the workflow; the instance is only what the form was bound to."""
        return form.instance

    def save_model(self, request: HttpRequest, obj: Prompt, form: Any, change: bool) -> None:
        """A new version where the words changed; the row itself for the switch that is no word."""
        cleaned = form.cleaned_data
        brand: Brand = obj.brand if change else cleaned["brand"]
        version = save_prompt(
            policy_of(request),
            brand,
            slug=cleaned["slug"],
            name=cleaned["name"],
            template=cleaned["template"],
            variables=form.declared,
            slots=form.newest.slots if form.newest else (),
            description=cleaned["description"],
            prompt=Prompt.objects.get(pk=obj.pk) if change else None,
        )
        Prompt.objects.filter(pk=version.prompt_id).update(archived=cleaned["archived"])
        obj.pk = version.prompt_id
        obj.refresh_from_db()
        if form.newest and version.pk != form.newest.pk:
            messages.info(request, _("The words changed: this is version {number} now.").format(number=version.number))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing beside: the variables went with the version."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except StudioError as error:
            # Only what changed between the form's own look and the write: a slug taken, a right revoked.
            messages.error(request, explain_error(error))
            return HttpResponseRedirect(request.get_full_path())

    @admin.display(description=gettext_lazy("words"))
    def template(self, prompt: Prompt) -> str:
        """For who may only look: the form's field is none of the model's."""
        newest = next(iter(prompt.versions.all()), None)
        return newest.template if newest else ""

    @admin.display(description=gettext_lazy("words"))
    def words(self, prompt: Prompt) -> str:
        text = self.template(prompt)
        return text if len(text) <= 120 else text[:117] + "..."

    @admin.display(description=gettext_lazy("places"))
    def places(self, prompt: Prompt) -> str:
        newest = next(iter(prompt.versions.all()), None)
        return ", ".join(row["name"] for row in newest.variables) if newest else ""

    @admin.display(description=gettext_lazy("versions"), ordering="version_total")
    def version_count(self, prompt: Any) -> str:
        return ngettext("{n} version", "{n} versions", prompt.version_total).format(n=prompt.version_total)

    @admin.display(description=gettext_lazy("changed"), ordering="newest_at")
    def changed_at(self, prompt: Any) -> Any:
        return prompt.newest_at
