"""Choosers: the studio's pictures for StreamFields, and the *Studio* tab in Wagtail's own image chooser.

Wagtail has no hook for a tab. Its viewset names its view classes, and these are subclassed here; where a site has put
a template of its own in their place, that one stays, and the tab is on the studio's own page alone.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms.choosers import BaseFilterForm
from wagtail.admin.forms.models import register_form_field_override
from wagtail.admin.ui.tables import BaseColumn, Column, TitleColumn
from wagtail.admin.views.generic.chooser import ChooseResultsView, ChooseView, ChosenMultipleView, ChosenView
from wagtail.admin.viewsets.chooser import ChooserViewSet
from wagtail.images.views import chooser as image_chooser

from image_studio.contrib.wagtail.panel import NARROWING, Place, panel_context
from image_studio.contrib.wagtail.promotion import withdrawn_images
from image_studio.contrib.wagtail.widgets import StudioPictureChooser, studio_url, title_of
from image_studio.fields.forms import thumb_of
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow.browse import search
from image_studio.workflow.usage import choosable, facts_of

#: The template that our tab takes the place of; any other is a site's own.
WAGTAILS = "wagtailimages/chooser/chooser.html"


def connect() -> None:
    """Put the tab into Wagtail's image chooser, and withdrawn images out of it. Said twice, it does it once."""
    viewset: Any = image_chooser.viewset
    if issubclass(viewset.choose_view_class, _Tab):
        return
    viewset.choose_view_class = _with(_Tab, viewset.choose_view_class)
    viewset.chosen_view_class = _with(_NotWithdrawn, viewset.chosen_view_class)
    viewset.chosen_multiple_view_class = _with(_NoneWithdrawn, viewset.chosen_multiple_view_class)
    viewset.select_format_view_class = _with(_NotWithdrawn, viewset.select_format_view_class)


def _with(mixin: type[Any], base: type[Any]) -> type[Any]:
    return type(f"Studio{base.__name__}", (mixin, base), {"__module__": __name__})


class _Tab:
    """A choose view with the studio's tab."""

    @property
    def template_name(self) -> str:
        theirs: str = super().template_name  # type: ignore[misc]
        return "image_studio_wagtail/image_chooser.html" if theirs == WAGTAILS else theirs

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        view: Any = self
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        place = Place.read(view.request.GET, kind="image")
        return {**context, **panel_context(view.request, place)}


class _NotWithdrawn:
    """A view of one image that refuses those whose picture was withdrawn."""

    def get_object(self, pk: Any) -> Any:
        if str(pk) in withdrawn_images():
            raise PermissionDenied
        return super().get_object(pk)  # type: ignore[misc]


class _NoneWithdrawn:
    def get_objects(self, pks: Any) -> Any:
        return super().get_objects(pks).exclude(pk__in=withdrawn_images())  # type: ignore[misc]


class PictureFilterForm(BaseFilterForm):
    """Words that the picture's title, alt texts, tags or prompt hold."""

    q = forms.CharField(label=_("Search term"), required=False)

    def filter(self, objects: Any) -> Any:
        words = self.cleaned_data.get("q")
        self.is_searching, self.search_query = bool(words), words
        return search(objects, words) if words else objects


class PictureColumn(BaseColumn):
    """A small picture, which chooses."""

    cell_template_name = "image_studio_wagtail/picture_cell.html"

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return {**context, "thumb": thumb_of(instance, None), "alt": instance.alt_for()}


class _Offered:
    """What a person may choose in this place now."""

    filter_form_class = PictureFilterForm
    ordering = "-pk"

    def get_object_list(self) -> Any:
        view: Any = self
        place = Place.read(view.request.GET)
        rows = choosable(policy=Policy(view.request.user), brand=place.brand, channel=place.channel)
        return rows.prefetch_related("renditions")

    @property
    def columns(self) -> list[Any]:
        view: Any = self
        return [
            PictureColumn("picture", label=_("Picture"), width="20%"),
            view.title_column,
            Column("facts", label=_("Brand, place and size"), accessor=facts_of),
        ]

    @property
    def title_column(self) -> Any:
        found: TitleColumn = super().title_column  # type: ignore[misc]
        return found


class PictureChooseView(_Offered, ChooseView):
    """The dialog: the published pictures, and the tab that makes new ones."""

    template_name = "image_studio_wagtail/chooser.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, **panel_context(self.request, Place.read(self.request.GET, kind="asset"))}


class PictureResultsView(_Offered, ChooseResultsView):
    """The dialog's list alone."""


class _Chosen:
    """Only what is offered can be chosen: an address that somebody made up leads nowhere."""

    def get_object(self, pk: Any) -> Asset:
        view: Any = self
        return choosable(policy=Policy(view.request.user)).get(pk=pk)

    def get_objects(self, pks: Any) -> Any:
        view: Any = self
        return choosable(policy=Policy(view.request.user)).filter(pk__in=pks)

    def get_object_id(self, instance: Asset) -> str:
        return str(instance.pk)

    def get_display_title(self, instance: Asset) -> str:
        return title_of(instance)

    def get_edit_item_url(self, instance: Asset) -> str:
        return studio_url(instance)


class PictureChosenView(_Chosen, ChosenView):
    """One chosen picture, for the field."""


class PictureChosenMultipleView(_Chosen, ChosenMultipleView):
    """Several."""


class PictureChooserViewSet(ChooserViewSet):
    """The studio's pictures in Wagtail's dialogs; also for every foreign key to them in a Wagtail form."""

    icon = "image"
    choose_one_text = _("Choose a studio picture")
    choose_another_text = _("Choose another picture")
    edit_item_text = _("Open it in the studio")
    search_tab_label = _("Published pictures")
    choose_view_class = PictureChooseView
    choose_results_view_class = PictureResultsView
    chosen_view_class = PictureChosenView
    chosen_multiple_view_class = PictureChosenMultipleView
    preserve_url_parameters = [*ChooserViewSet.preserve_url_parameters, *NARROWING]
    per_page = 12

    @property
    def widget_class(self) -> type[StudioPictureChooser]:
        return StudioPictureChooser

    def on_register(self) -> None:
        super().on_register()
        # Wagtail would make every field's control alike, and offer pictures that the field refuses then.
        register_form_field_override(ForeignKey, to=Asset, override=_control)


def _control(field: Any) -> dict[str, Any]:
    """What a Wagtail form has for a foreign key to pictures."""
    return {"widget": StudioPictureChooser(**{name: getattr(field, name, "") for name in NARROWING})}


picture_chooser = PictureChooserViewSet("image_studio_wagtail_chooser", model=Asset, url_prefix="studio/choose")
