"""``StudioPictureBlock``: a published picture of the studio in a StreamField.

    body = StreamField([("picture", StudioPictureBlock(channel="web-hero", name="hero"))])

What it holds counts as a use, so it cannot be deleted; where the picture was withdrawn, the page shows the fallback.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail.blocks import CharBlock, ChooserBlock, StructBlock

from image_studio.contrib.wagtail import judging
from image_studio.contrib.wagtail.widgets import StudioPictureChooser, is_secret
from image_studio.fields.forms import AssetField
from image_studio.models import Asset
from image_studio.wording import explain
from image_studio.workflow.usage import fits

#: What may become of a picture that a page has: it is not out, for now or for good.
OVER = frozenset({"usage.withdrawn", "usage.expired", "usage.not_published"})


class StudioPictureChooserBlock(ChooserBlock):
    """One picture, without words of its own: for a StructBlock of the site.

    :param brand: the slug of the one brand whose pictures it takes; empty takes every brand's.
    :param channel: the slug of the one channel whose pictures it takes.
    """

    target_model = Asset

    def __init__(self, *, brand: str = "", channel: str = "", **kwargs: Any) -> None:
        self.brand, self.channel = brand, channel
        super().__init__(**kwargs)

    @cached_property
    def widget(self) -> StudioPictureChooser:
        return StudioPictureChooser(brand=self.brand, channel=self.channel)

    @cached_property
    def field(self) -> AssetField:
        return AssetField(
            brand=self.brand,
            channel=self.channel,
            widget=self.widget,
            required=self._required,
            validators=self._validators,
            help_text=self._help_text or "",
        )

    def clean(self, value: Any) -> Any:
        """A new choice must be live; what the edited object has already may stay. Both must fit the block.

        :raises ValidationError: with the code and the words of what is wrong.
        """
        try:
            return super().clean(value)
        except ValidationError as error:
            if error.code not in OVER or not isinstance(value, Asset):
                raise
            if fits(value, brand=self.brand, channel=self.channel) and judging.may_stay(value):
                return value
            if is_secret(value):
                raise ValidationError(explain("usage.unknown"), code="usage.unknown") from error
            raise

    def to_python(self, value: Any) -> Asset | None:
        return self.bulk_to_python([value])[0]

    def bulk_to_python(self, values: Iterable[Any]) -> list[Asset | None]:
        """JSON has ids as text, in whatever form somebody wrote them; a broken one is nobody's."""
        keys = [_key(value) for value in values]
        rows = Asset.objects.select_related("brand", "channel").prefetch_related("renditions")
        found = rows.in_bulk({key for key in keys if key})
        return [found.get(key) if key else None for key in keys]

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else str(value.pk)

    def value_from_form(self, value: Any) -> Asset | None:
        return value if value is None or isinstance(value, Asset) else self.to_python(value)

    class Meta:
        icon = "image"
        label = _("Studio picture")


def _key(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


class StudioPictureBlock(StructBlock):
    """A picture, and an alt text that takes the place of its own here.

    :param brand: with ``channel`` as in :class:`StudioPictureChooserBlock`.
    :param name: a key of ``IMAGE_STUDIO["PICTURES"]``: widths, ``sizes`` and the fallback.
    """

    def __init__(
        self,
        local_blocks: Any = None,
        *,
        brand: str = "",
        channel: str = "",
        name: str = "default",
        required: bool = True,
        **kwargs: Any,
    ) -> None:
        self.picture_name = name
        own = [
            ("picture", StudioPictureChooserBlock(brand=brand, channel=channel, required=required, label=_("Picture"))),
            (
                "alt",
                CharBlock(
                    required=False,
                    max_length=1000,
                    label=_("Alt text here"),
                    help_text=_("Leave empty to take the picture's own alt text in the language of the page."),
                ),
            ),
        ]
        super().__init__([*own, *(local_blocks or ())], **kwargs)

    def get_context(self, value: Any, parent_context: Any = None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(value, parent_context=parent_context)
        return {**context, "picture_name": self.picture_name}

    class Meta:
        icon = "image"
        label = _("Studio picture")
        template = "image_studio_wagtail/blocks/picture.html"
