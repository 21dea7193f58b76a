"""``picture = AssetForeignKey(null=True, blank=True)``: a published picture of the studio, in any model.

Nothing here touches the studio's models while the site's are loaded: whether ``image_studio`` is installed at all is
for the system check to say, in words, and not for an import that fails.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ValidationError
from django.db import models, router, transaction
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute

from image_studio import signals
from image_studio.checks import check_field
from image_studio.exceptions import StudioError
from image_studio.wording import explain_error

TARGET = "image_studio.Asset"
#: What every such field is, and so cannot be told otherwise.
FIXED = {
    "to": f"it always points at {TARGET}",
    "to_field": "it always points at a picture's id",
    "parent_link": "a picture is nobody's parent",
    "limit_choices_to": "it always takes published, unexpired pictures; brand= and channel= narrow them",
}


class _Known(ForeignKeyDeferredAttribute):
    """Remembers what a row was loaded with, so that a save knows without a query whether a picture was taken."""

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value)
        if instance._state.adding:  # as rows still are while they are loaded
            _learn(instance, self.field.attname, value)


class AssetForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A picture of the studio. Only what is live may be newly chosen; what a page uses cannot be deleted.

    A picture that was withdrawn after it was chosen stays: the page shows none, and the form says why.

    :param brand: the slug of the one brand whose pictures it takes; empty takes every brand's.
    :param channel: the slug of the one channel whose pictures it takes.
    :raises TypeError: for another ``on_delete`` than PROTECT, and for what is fixed (:data:`FIXED`).
    """

    is_studio_use = True
    descriptor_class = _Known

    def __init__(self, *args: Any, brand: str = "", channel: str = "", **kwargs: Any) -> None:
        on_delete = kwargs.pop("on_delete", models.PROTECT)
        if args:
            raise TypeError(f"AssetForeignKey takes keywords only: {FIXED['to']}.")
        if on_delete is not models.PROTECT:
            raise TypeError("AssetForeignKey is always on_delete=PROTECT: what a page uses must not disappear from it.")
        for name in sorted(FIXED.keys() & kwargs.keys()):
            raise TypeError(f"AssetForeignKey does not take {name}: {FIXED[name]}.")
        self.brand, self.channel = brand, channel
        kwargs.setdefault("related_name", "+")
        super().__init__(TARGET, models.PROTECT, **kwargs)

    def deconstruct(self) -> Any:
        """What a migration writes: nothing that is fixed, and the same words on every Django."""
        name, _path, args, kwargs = super().deconstruct()
        for fixed in ("to", "on_delete"):
            kwargs.pop(fixed, None)
        if kwargs.get("related_name") == "+":
            del kwargs["related_name"]
        narrowed = {"brand": self.brand, "channel": self.channel}
        kwargs.update({key: value for key, value in narrowed.items() if value})
        return name, "image_studio.fields.AssetForeignKey", args, kwargs

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [*super().check(**kwargs), *check_field(self)]

    def formfield(self, **kwargs: Any) -> Any:
        form = import_module("image_studio.fields.forms").AssetField
        return super().formfield(**{"form_class": form, "brand": self.brand, "channel": self.channel, **kwargs})

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """A new choice must be live and fit the field; what the row or a draft of it holds already may stay.

        :raises ValidationError: with the code and the words of what is wrong.
        """
        super(models.ForeignKey, self).validate(value, model_instance)
        if value is None or model_instance is None:
            return
        given = self._given(model_instance, value)
        try:
            _usage().judge_choice(given, brand=self.brand, channel=self.channel)
        except StudioError as error:
            if not self._holds(model_instance, value) and not self._kept(model_instance, given):
                raise ValidationError(explain_error(error), code=error.code) from error

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        """Notes, once the row is there, that a page took the picture."""
        value = super().pre_save(model_instance, add)
        known = _known(model_instance).get(self.attname, self)  # nothing equals a field: unknown counts as new
        if value is not None and (add or known != value):
            using = router.db_for_write(type(model_instance), instance=model_instance)
            # A function, no partial: Django tells the failure by its name.
            transaction.on_commit(lambda: _took(value), using=using, robust=True)
        _learn(model_instance, self.attname, value)
        return value

    def _given(self, instance: Any, value: Any) -> Any:
        cached = self.get_cached_value(instance, default=None)
        if cached is not None and cached.pk == value:
            return cached
        target: Any = self.remote_field.model
        return target.objects.select_related("brand", "channel").filter(pk=value).first()

    def _holds(self, instance: Any, value: Any) -> bool:
        """Whether the stored row has this picture; asked of the database, whatever the object was told."""
        rows = self.model._base_manager.filter(pk=instance.pk)
        return not instance._state.adding and rows.filter(**{self.attname: value}).exists()

    def _kept(self, instance: Any, asset: Any) -> bool:
        """Whether it fits, and an app says that a draft of the row has this picture."""
        if asset is None or not _usage().fits(asset, brand=self.brand, channel=self.channel):
            return False
        answers = signals.asset_kept_wanted.send_robust(type(instance), instance=instance, asset=asset)
        return any(answer is True for _receiver, answer in answers)


def _known(instance: Any) -> dict[str, Any]:
    """Field -> the picture that the stored row has, as far as this object knows."""
    return getattr(instance._state, "studio_pictures", {})


def _learn(instance: Any, field: str, value: Any) -> None:
    # A new dictionary each time: copies of a row share the old one.
    instance._state.studio_pictures = {**_known(instance), field: value}


def _usage() -> Any:
    return import_module("image_studio.workflow.usage")


def _took(value: Any) -> None:
    _usage().took([value])
