"""Several matrices asked for at once: shown as one price, ordered as one, a set each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from image_studio.catalog.pricing import Price
from image_studio.exceptions import Conflict
from image_studio.models import IdempotencyKey, VariantSet
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.workflow.once import kept_key
from image_studio.workflow.plan import Matrix
from image_studio.workflow.preview import Preview, preview
from image_studio.workflow.spending import MONEY, money_findings, refused
from image_studio.workflow.variants import request


@dataclass(frozen=True, kw_only=True)
class Order:
    """The previews of everything that is asked for, counted together. Nothing was written and nothing spent.

    :param money: what budgets and the switch say to the sum, where that is of several: each alone may fit.
    """

    previews: tuple[Preview, ...]
    money: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, policy: Policy, matrices: Sequence[Matrix]) -> Order:
        """:raises StudioError: as :func:`~image_studio.workflow.preview.preview`."""
        found = tuple(preview(policy, matrix) for matrix in matrices)
        return cls(previews=found, money=tuple(_of_the_sum(policy, found)) if len(found) > 1 else ())

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
        return any(found.blocked for found in self.previews) or any(one.blocks for one in self.money)

    @property
    def findings(self) -> tuple[Finding, ...]:
        every = [finding for found in self.previews for finding in found.findings]
        if len(self.previews) > 1:
            every = [finding for finding in every if finding.code not in MONEY] + list(self.money)
        return tuple(finding for i, finding in enumerate(every) if finding not in every[:i])

    @property
    def digest(self) -> str:
        if len(self.previews) == 1:
            return self.previews[0].digest
        return hashlib.sha256("".join(found.digest for found in self.previews).encode()).hexdigest()

    def place(self, policy: Policy, key: str, *, seen: str) -> list[VariantSet]:
        """Ask for all of it. Each set's key derives from ``key``, so that a second post makes nothing new, and one
        that broke off half-way goes on where it stopped.

        :param key: up to 60 characters.
        :param seen: the digest of what the person was shown.
        :raises Conflict: ``preview.changed`` where that is not what would be made now; ``budget.spent`` and the like
            where the sum does not fit. Then nothing is asked for.
        """
        if len(self.previews) == 1:
            # The workflow knows a key that was answered before it looks at the digest.
            return [request(policy, self.previews[0].matrix, key=key, digest=seen or "none")]
        keys = [
            f"{key}:{found.matrix.source.pk if found.matrix.source else i}" for i, found in enumerate(self.previews)
        ]
        if not _all_answered(policy, keys):
            if seen != self.digest:
                raise Conflict("preview.changed")
            for finding in self.money:
                if finding.blocks:
                    raise refused(finding)
        return [request(policy, p.matrix, key=k, digest=p.digest) for p, k in zip(self.previews, keys, strict=True)]


def _of_the_sum(policy: Policy, previews: Sequence[Preview]) -> list[Finding]:
    by_brand: dict[UUID, list[Preview]] = {}
    for found in previews:
        by_brand.setdefault(found.matrix.brand.pk, []).append(found)
    said = []
    for several in by_brand.values():
        most = sum(found.price.most for found in several)
        # What is refused for another reason has no price; that reason is said.
        unknown = any(found.price.unknown and not found.blocked for found in several)
        said += money_findings(policy, several[0].matrix.brand, most, unknown=unknown)
    return said


def _all_answered(policy: Policy, keys: Sequence[str]) -> bool:
    kept = {kept_key(key) for key in keys}
    return IdempotencyKey.objects.filter(user_id=policy.actor.user_id, key__in=kept).count() == len(kept)
