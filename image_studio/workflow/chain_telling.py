"""How a step was made and judged, in plain values for a history that goes to another site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from image_studio.models import Attempt, CheckResult, Job
from image_studio.wording import explain

#: Of a stored request: told elsewhere, or nobody's outside this site.
_NOT_TOLD = frozenset({"inputs", "user_key", "model", "prompt", "size", "quality", "n"})


def moment(value: datetime | None) -> str | None:
    """In UTC, whatever the site's time zone is."""
    return value.astimezone(UTC).isoformat() if value else None


def fault(code: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why something brought nothing; names of this site's files stay here."""
    return {"code": code, "params": {key: value for key, value in params.items() if key != "kept"}} if code else None


def made_of(job: Job | None) -> dict[str, Any] | None:
    """How a step was made: what was sent, what was answered, what it cost in micro-USD."""
    if job is None:
        return None
    request = job.request
    return {
        "provider": job.provider,
        "route": job.route,
        "model": job.model,
        **{name: request.get(name) for name in ("prompt", "size", "quality", "n")},
        "options": {name: value for name, value in request.items() if name not in _NOT_TOLD},
        "edit": {name: value for name, value in job.edit.items() if name not in ("step", "chain", "words")},
        "estimate_micro_usd": job.estimate_micro_usd,
        "cost_micro_usd": job.cost_micro_usd,
        "created_at": moment(job.created_at),
        "ended_at": moment(job.ended_at),
        "attempts": [_attempt(row) for row in job.attempts.all()],
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    return {
        "number": row.number,
        "state": row.state,
        "model": row.model,
        "request_id": row.request_id,
        "usage": row.usage,
        "effective": row.effective,
        "micro_usd": row.micro_usd,
        "fault": fault(row.error_code, row.error_params),
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
    }


def verdict_of(row: CheckResult) -> dict[str, Any]:
    return {
        "check": row.check_name,
        "kind": row.kind,
        "verdict": row.verdict,
        "blocks": row.blocks,
        "code": row.code,
        "params": row.params,
        "reason": explain(row.code, row.params),
        "score": row.score,
        "region": row.region,
        "rule": row.rule,
    }
