"""May this user do this verb on this object? One class answers for admin, API and worker.

A role in a brand grants verbs; superusers pass everything; operators (people at the shell) pass too. A policy
only decides: the caller acts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from image_studio.exceptions import NotAllowed
from image_studio.models import OPERATOR, Actor, Brand, BrandMembership

#: Verb -> the least role that may say it.
VERBS = {
    "view": "viewer",
    "ingest": "creator",
    "generate": "creator",
    "cancel": "creator",
    "retry": "creator",
    "adopt": "creator",
    # It may be charged twice, but never beyond the budgets: as much as whoever may generate can spend anyway.
    "resend": "creator",
    "write_off": "manager",
    "see_spend": "manager",
    "edit_budget": "manager",
    "stop_spending": "manager",
    "recompose": "creator",
    "write_prompt": "creator",
    "describe": "creator",
    "shortlist": "creator",
    "review": "reviewer",
    "publish": "reviewer",
    "withdraw": "reviewer",
    "replace": "reviewer",
    "override": "manager",
    "edit_kit": "manager",
    "edit_members": "manager",
    "original": "manager",
}
#: What is nobody's own: who sees only their own would lift that limit, or a kit's second person, with these.
WHOLE = frozenset({"edit_kit", "edit_members", "see_spend", "edit_budget", "stop_spending"})
RANK = {"viewer": 0, "creator": 1, "reviewer": 2, "manager": 3}
#: As many brands are worth a part of a query each.
MOST_APART = 24


class Policy:
    """The rights of one user, read once a request. ``Policy.operator()`` is someone at the shell."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.actor = Actor.of(user) if user is not None else OPERATOR
        self._rights: dict[Any, list[tuple[int, bool]]] | None = None
        self._any_brand: bool | None = None

    @classmethod
    def operator(cls) -> Policy:
        return cls(None)

    @classmethod
    def of_user_id(cls, user_id: Any, *, operator: bool = False) -> Policy | None:
        """The policy of a stored requester, or None when the user is gone or inactive."""
        if operator:
            return cls.operator()
        user = get_user_model()._default_manager.filter(pk=user_id, is_active=True).first()
        return cls(user) if user is not None else None

    @property
    def passes(self) -> bool:
        """Whether no membership limits this user."""
        return self.user is None or (self.user.is_active and self.user.is_superuser)

    def can(self, verb: str, target: Any) -> bool:
        """Whether ``verb`` may be said on a brand or on anything that has ``brand_id``.

        :raises KeyError: for a verb that is not in :data:`VERBS`: a new verb must be classified.
        """
        least = RANK[VERBS[verb]]
        if self.passes:
            return True
        if not self.user.is_active:
            return False
        brand_id = target.pk if isinstance(target, Brand) else target.brand_id
        return any(
            rank >= least and (not own_only or (verb not in WHOLE if isinstance(target, Brand) else self._owns(target)))
            for rank, own_only in self._memberships().get(brand_id, ())
        )

    def require(self, verb: str, target: Any) -> None:
        """:raises NotAllowed: naming the verb and the role that could."""
        if not self.can(verb, target):
            raise NotAllowed("policy.not_allowed", verb=verb, role=VERBS[verb])

    def brands(self, verb: str = "view") -> QuerySet[Brand]:
        """The brands in which the verb may be said."""
        if self.passes:
            return Brand.objects.all()
        if not self.user.is_active:
            return Brand.objects.none()
        return Brand.objects.filter(pk__in=self._mine(verb))

    def somewhere(self, verb: str) -> bool:
        """Whether the verb may be said in any brand; asks the database nothing more for who is in one."""
        if self.passes:
            if self._any_brand is None:
                self._any_brand = Brand.objects.exists()
            return self._any_brand
        return self.user.is_active and bool(self._mine(verb))

    def _mine(self, verb: str) -> list[Any]:
        least = RANK[VERBS[verb]]
        return [
            brand
            for brand, rights in self._memberships().items()
            if any(rank >= least and not (own_only and verb in WHOLE) for rank, own_only in rights)
        ]

    def visible(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of a queryset that the user may see: those of their brands, own ones where only those."""
        if self.passes:
            return rows
        if not self.user.is_active:
            return rows.none()
        whole, own = self._seen()
        return rows.filter(Q(brand_id__in=whole) | (Q(brand_id__in=own) & self.own(rows.model)))

    def apart(self, rows: QuerySet[Any]) -> list[QuerySet[Any]]:
        """What :meth:`visible` gives, brand by brand: an index that begins with the brand has each in its order.

        All in one where nothing is narrowed, and for who is in more than :data:`MOST_APART` brands.
        """
        whole, own = ([], []) if self.passes or not self.user.is_active else self._seen()
        if not 0 < len(whole) + len(own) <= MOST_APART:
            return [self.visible(rows)]
        parts = [rows.filter(brand_id=brand_id) for brand_id in whole]
        return parts + [rows.filter(self.own(rows.model), brand_id=brand_id) for brand_id in own]

    def own(self, model: Any) -> Q:
        """The rows of a model that are this user's own: made by them, or for what they asked for."""
        owned = [Q(**{name: self.user.pk}) for name in _owner_fields(model)]
        return reduce(or_, owned) if owned else Q(pk__in=[])

    def _seen(self) -> tuple[list[Any], list[Any]]:
        """The brands of which everything may be seen, and those of which only what is one's own."""
        whole: list[Any] = []
        own: list[Any] = []
        for brand_id, rights in self._memberships().items():
            (own if all(own_only for _rank, own_only in rights) else whole).append(brand_id)
        return whole, own

    def _owns(self, target: Any) -> bool:
        return any(getattr(target, name) == self.user.pk for name in _owner_fields(type(target)))

    def _memberships(self) -> dict[Any, list[tuple[int, bool]]]:
        if self._rights is None:
            rows: Iterable[tuple[Any, str, bool]] = BrandMembership.objects.filter(
                Q(user_id=self.user.pk) | Q(group__in=self.user.groups.all())
            ).values_list("brand_id", "role", "own_only")
            self._rights = {}
            for brand_id, role, own_only in rows:
                self._rights.setdefault(brand_id, []).append((RANK[role], own_only))
        return self._rights


def _owner_fields(model: Any) -> tuple[str, ...]:
    names = {field.attname for field in model._meta.concrete_fields}
    return tuple(name for name in ("created_by_id", "requested_by_id") if name in names)
