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
from image_studio.models.chain import (
    BEGINNINGS,
    FILE_ROLES,
    OUTCOMES,
    REFERENCE_ROLES,
    STEP_KINDS,
    STEP_REASONS,
    EditCandidate,
    EditChain,
    EditDraft,
    EditFile,
    EditRecipe,
    EditStep,
    Replay,
)
from image_studio.models.event import Event, IdempotencyKey
from image_studio.models.job import Attempt, Job, JobOutput, WorkerBeat
from image_studio.models.limits import RateWindow
from image_studio.models.prompt import Prompt, PromptVersion, read_template
from image_studio.models.variant import SHARING, Variant, VariantSet

__all__ = [
    "BEGINNINGS",
    "CHECK_KINDS",
    "DECISIONS",
    "DECLARATION",
    "FILE_ROLES",
    "OPERATOR",
    "OUTCOMES",
    "REFERENCE_ROLES",
    "REJECT_REASONS",
    "ROLES",
    "SHARING",
    "STEP_KINDS",
    "STEP_REASONS",
    "VERDICTS",
    "Actor",
    "Asset",
    "Attempt",
    "Brand",
    "BrandMembership",
    "BrandRevision",
    "Channel",
    "CheckResult",
    "EditCandidate",
    "EditChain",
    "EditDraft",
    "EditFile",
    "EditRecipe",
    "EditStep",
    "Event",
    "IdempotencyKey",
    "Job",
    "JobOutput",
    "Prompt",
    "PromptVersion",
    "RateWindow",
    "Rendition",
    "Replay",
    "Review",
    "Variant",
    "VariantSet",
    "WorkerBeat",
    "database_now",
    "read_template",
    "uuid7",
]
