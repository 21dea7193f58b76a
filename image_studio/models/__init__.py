"""The nouns. Import them from here."""

from image_studio.models.asset import (
    CHECK_KINDS,
    DECISIONS,
    DECLARATION,
    REJECT_REASONS,
    VERDICTS,
    Asset,
    CheckResult,
    Rendition,
    Review,
)
from image_studio.models.base import OPERATOR, Actor, database_now, uuid7
from image_studio.models.brand import ROLES, Brand, BrandMembership, BrandRevision, Channel
from image_studio.models.event import Event, IdempotencyKey
from image_studio.models.job import Attempt, Job, JobOutput, WorkerBeat
from image_studio.models.limits import RateWindow
from image_studio.models.prompt import Prompt, PromptVersion, read_template
from image_studio.models.variant import SHARING, Variant, VariantSet

__all__ = [
    "CHECK_KINDS",
    "DECISIONS",
    "DECLARATION",
    "OPERATOR",
    "REJECT_REASONS",
    "ROLES",
    "SHARING",
    "VERDICTS",
    "Actor",
    "Asset",
    "Attempt",
    "Brand",
    "BrandMembership",
    "BrandRevision",
    "Channel",
    "CheckResult",
    "Event",
    "IdempotencyKey",
    "Job",
    "JobOutput",
    "Prompt",
    "PromptVersion",
    "RateWindow",
    "Rendition",
    "Review",
    "Variant",
    "VariantSet",
    "WorkerBeat",
    "database_now",
    "read_template",
    "uuid7",
]
