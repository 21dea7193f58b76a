"""*Generate brand-safe variants* from words that somebody has in mind: they become a prompt, and the form opens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from image_studio.admin.generating import generate_url
from image_studio.exceptions import StudioError
from image_studio.models import Brand
from image_studio.models.prompt import MAX_PROMPT
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.prompts import prompt_of_words


class WordsForm(forms.Form):
    """What a picture is to show, for a brand. It has no name and no places; those who want them write a prompt."""

    words = forms.CharField(
        label=_("What should the picture show?"), max_length=MAX_PROMPT, widget=forms.Textarea(attrs={"rows": 3})
    )
    brand = forms.ModelChoiceField(Brand.objects.none(), label=_("Brand"), empty_label=None)

    def __init__(self, *args: Any, brands: QuerySet[Brand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        brand: Any = self.fields["brand"]
        brand.queryset = brands
        first = list(brands[:2])
        if len(first) == 1:
            brand.initial, brand.widget = first[0].pk, forms.HiddenInput()


def words_form(policy: Policy, request: HttpRequest) -> WordsForm:
    """Bound where the person has sent words."""
    brands = policy.brands("write_prompt").filter(pk__in=policy.brands("generate")).order_by("name")
    sent = request.POST if request.method == "POST" and request.POST.get("do") == "words" else None
    return WordsForm(sent, brands=brands, auto_id="id_new_%s")


def begun(policy: Policy, form: WordsForm, channels: tuple[str, ...]) -> HttpResponse | None:
    """On to the form with these words, or None where they do not hold, which the form then says. Spends nothing.

    Sent twice, the same words are the same prompt.
    """
    if not form.is_bound or not form.is_valid():
        return None
    try:
        version = prompt_of_words(policy, form.cleaned_data["brand"], form.cleaned_data["words"])
    except StudioError as error:
        form.add_error("words", explain_error(error))
        return None
    return HttpResponseRedirect(generate_url(prompt=version.prompt_id, channel=channels))
