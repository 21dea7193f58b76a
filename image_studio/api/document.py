"""The OpenAPI document of this API, the same on every site: none of its SPECTACULAR_SETTINGS counts here."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

from django.urls import include, path
from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings

from image_studio.models import (
    CHECK_KINDS,
    DECISIONS,
    DECLARATION,
    FILE_ROLES,
    REFERENCE_ROLES,
    REJECT_REASONS,
    ROLES,
    SHARING,
    STEP_KINDS,
    STEP_REASONS,
    VERDICTS,
)
from image_studio.models.asset import KINDS, ORIGINS
from image_studio.models.job import JOB_KINDS
from image_studio.states import ASSET, ATTEMPT, CHAIN, JOB, STEP, VARIANT

DESCRIPTION = """\
Brand-safe pictures: prompts, a library, batches of variants, edit chains, review and publishing.

**Signing in.** `Authorization: Token ...`, or the site's session cookie with the header `X-CSRFToken` on everything
that changes something. `published/`, `health/live/` and `health/ready/` need neither.

**Rights.** You see what is in your brands; everything else answers 404. Within a brand your role decides: 403 names the
role that could.

**Errors** are `application/problem+json` with a stable `code` for programs, a sentence for people, and `fault`: whose
move is next. 400 is for a request that is not as this document says; one that is, and does not hold, answers 422: a
channel that there is not, a file that is no picture.

**Lists** are pages: follow `next` until it is null. Nothing is counted, and the last page costs what the first does.

**Spending.** A POST that can spend needs an `Idempotency-Key` and answers 202 with `Location` and `Retry-After`. The
same key again gives the same answer.
"""
#: Enumerations under the names that generated clients call them by.
ENUMS: dict[str, Any] = {
    "AssetState": list(ASSET.labels),
    "AssetKind": list(KINDS),
    "AssetOrigin": list(ORIGINS),
    "JobState": list(JOB.labels),
    "JobKind": list(JOB_KINDS),
    "AttemptState": list(ATTEMPT.labels),
    "CellState": list(VARIANT.labels),
    "ChainState": list(CHAIN.labels),
    "CheckKind": list(CHECK_KINDS),
    "EditFileRole": list(FILE_ROLES),
    "ReferenceRole": list(REFERENCE_ROLES),
    "StepKind": list(STEP_KINDS),
    "StepReason": list(STEP_REASONS),
    "StepState": list(STEP.labels),
    "Verdict": list(VERDICTS),
    "Decision": list(DECISIONS),
    "DeclarationPoint": list(DECLARATION),
    "RejectReason": list(REJECT_REASONS),
    "Role": list(ROLES),
    "Sharing": list(SHARING),
}
TAGS = [
    {"name": "brands", "description": "Your brands: languages, palette, roles, and the kit's revisions."},
    {"name": "channels", "description": "Where pictures go: sizes, safe areas, weight limits."},
    {"name": "prompts", "description": "Templates with variables, in versions that never change."},
    {"name": "assets", "description": "The library: upload, describe, look, review, publish."},
    {"name": "variant-sets", "description": "Matrices of pictures: price, order, watch, cancel, retry."},
    {"name": "chains", "description": "Edits of a picture as a tree: ask, mask, choose, reject, fork, go on."},
    {"name": "recipes", "description": "The path to a step, replayed on other pictures or routes."},
    {"name": "jobs", "description": "Work: what is bought or made, and what came of it."},
    {"name": "spending", "description": "Budgets, usage, the ledger, corrections, and the switch that stops it all."},
    {"name": "models", "description": "What can be bought, what it costs, and when it ends."},
    {"name": "published", "description": "What everybody may see, without signing in."},
    {"name": "health", "description": "For load balancers and monitors: whether it lives, and whether it can work."},
]
SERVER = "Where the site includes image_studio.urls."
_OURS: dict[str, Any] = {
    "TITLE": "image_studio",
    "VERSION": "1",
    "DESCRIPTION": DESCRIPTION,
    # 3.1: keys of an object can be described, as the locales of alt texts are.
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/v1",
    "TAGS": TAGS,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # drf-spectacular's own hook keeps names in a cache that it shares with the site's document.
    "POSTPROCESSING_HOOKS": ["image_studio.api.document.name_enums"],
    "SERVERS": [{"url": "/studio", "description": SERVER}],
    "SORT_OPERATIONS": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}
#: For ``manage.py spectacular --custom-settings image_studio.api.document.SETTINGS``.
SETTINGS: dict[str, Any] = {
    name: value
    for name, value in {**SPECTACULAR_DEFAULTS, **_OURS}.items()
    if not name.startswith("SERVE_") and name != "DEFAULT_GENERATOR_CLASS"
}
_one_at_a_time = Lock()


def name_enums(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give the enumerations of :data:`ENUMS` their names; others stay where they are. A hook of drf-spectacular."""
    schemas = result["components"]["schemas"]
    names = {frozenset(values): name for name, values in ENUMS.items()}
    used: set[str] = set()

    def named(said: Any) -> Any:
        if isinstance(said, list):
            return [named(one) for one in said]
        if not isinstance(said, dict):
            return said
        said.pop("x-spec-enum-id", None)
        values = said.get("enum")
        name = names.get(frozenset(values)) if isinstance(values, list) and None not in values else None
        if name is None:
            return {key: named(value) for key, value in said.items()}
        used.add(name)
        rest = {key: value for key, value in said.items() if key not in ("type", "enum")}
        return {**rest, "$ref": f"#/components/schemas/{name}"}

    replaced = {name: named(one) for name, one in schemas.items()}
    made = {name: {"type": "string", "enum": ENUMS[name]} for name in used}
    result["components"]["schemas"] = dict(sorted({**replaced, **made}.items()))
    return result


@cache
def document(server: str = "") -> dict[str, Any]:
    """The document, made once a process and address.

    :param server: the address below which ``v1/`` lies.
    """
    servers = [{"url": server or "/studio", "description": SERVER}]
    patterns = [path("v1/", include("image_studio.api.urls"))]
    # The settings of drf-spectacular are one object a process.
    with _one_at_a_time, override("en"), patched_settings({**SETTINGS, "SERVERS": servers}):
        generator: Any = SchemaGenerator
        found: dict[str, Any] = generator(patterns=patterns).get_schema(request=None, public=True)
    return found
