"""What happened, and answers that must be given twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from image_studio.exceptions import Conflict
from image_studio.models.base import Actor, Frozen
from image_studio.models.bulk import insert


@dataclass(frozen=True)
class Named:
    """What an event tells of, where its row was not read: a worker's batch tells of hundreds."""

    kind: str
    pk: Any
    brand_id: Any = None


class EventQuerySet(models.QuerySet["Event"]):
    """Append only, as far as Python goes."""

    def record(self, actor: Actor, verb: str, target: models.Model | Named, **data: Any) -> Event:
        """Write one event. Call it inside the transaction of the change it tells of.

        :param verb: fixed words such as ``asset.approved``; one search finds a thing's whole story.
        """
        return self.create(**_columns(actor, verb, target, data))

    def record_all(self, actor: Actor, verb: str, targets: list[Any], **data: Any) -> None:
        """One event per target, in one INSERT."""
        self.record_each(actor, [(verb, target, data) for target in targets])

    def record_each(self, actor: Actor, told: Iterable[tuple[str, Any, dict[str, Any]]]) -> None:
        """Events of many kinds, in one INSERT: verb, target and data of each."""
        insert(Event, [_columns(actor, verb, target, data) for verb, target, data in told])


def _columns(actor: Actor, verb: str, target: Any, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "actor_id": actor.user_id,
        "actor_label": actor.label,
        "verb": verb,
        "object_type": target.kind if isinstance(target, Named) else target._meta.model_name,
        "object_id": str(target.pk),
        "brand_id": str(getattr(target, "brand_id", None) or ""),
        "data": data,
    }


class Event(Frozen):
    """Who did what to which object. No foreign keys: it outlives what it tells of."""

    at = models.DateTimeField(auto_now_add=True)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    brand_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["object_type", "object_id", "id"], name="studio_event_object")]
        verbose_name = _("event")
        verbose_name_plural = _("events")

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_id}"

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """:raises Conflict: always; events stay."""
        raise Conflict("object.frozen", object=str(self._meta.verbose_name))


class IdempotencyKey(models.Model):
    """The answer to a request that may be sent twice: same key, same answer, no second job."""

    user_id = models.CharField(max_length=64)
    #: Its SHA-256: databases do not agree on which texts are equal.
    key = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64)
    #: What the first request made: {"variant_set": "<uuid>"}; null while it runs.
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="studio_idempotency")]
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")

    def __str__(self) -> str:
        return self.key
