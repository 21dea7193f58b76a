"""Uploads: several files at once, each judged alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from image_studio.admin.fields import bytes_of
from image_studio.conf import conf
from image_studio.exceptions import StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.library import ingest

MOST_FILES = 50


class FilesInput(forms.FileInput):
    """A file input that takes several."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.FileField):
    """A list of uploads; what is in them is judged by the one gate for pictures."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, (list, tuple)) else [data]
        if len(given) > MOST_FILES:
            raise ValidationError(_("Choose at most %(most)s files at a time."), params={"most": MOST_FILES})
        return [super(FilesField, self).clean(one, initial) for one in given or [None]]


class UploadForm(forms.Form):
    """Pictures for a brand's library."""

    brand = forms.ModelChoiceField(Brand.objects.none(), label=_("Brand"), empty_label=None)
    pictures = FilesField(
        label=_("Pictures"),
        allow_empty_file=True,
        widget=FilesInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_(
            "PNG, JPEG or WebP. The originals are kept as they are; place and camera data never leave the studio."
        ),
    )
    title = forms.CharField(
        label=_("Title"), max_length=200, required=False, help_text=_("Empty takes the file's own name.")
    )

    def __init__(self, *args: Any, brands: QuerySet[Brand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["brand"].queryset = brands  # type: ignore[attr-defined]


def take(policy: Policy, form: UploadForm) -> list[tuple[Asset, bool]]:
    """Ingest each file; what is refused becomes an error at the field, by name. Returns (asset, was there already)."""
    done: list[tuple[Asset, bool]] = []
    for upload in form.cleaned_data["pictures"]:
        try:
            data = bytes_of(upload, conf().max_upload_bytes)
            found = ingest(policy, form.cleaned_data["brand"], data, name=upload.name, title=form.cleaned_data["title"])
        except StudioError as error:
            form.add_error("pictures", f"{upload.name}: {explain_error(error)}")
        except ValidationError as error:
            form.add_error("pictures", f"{upload.name}: {' '.join(error.messages)}")
        else:
            done.append((found.asset, found.duplicate))
    return done
