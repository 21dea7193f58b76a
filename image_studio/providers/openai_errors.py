"""From what a server answered, or did not, to our errors. One table, pure functions.

Three questions decide: was anything sent, did an answer come, and who has to act. Where a charge cannot be ruled out
the outcome is unknown. What the server wrote is only passed on where it helps to mend a request, and never with a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from image_studio.exceptions import OutcomeUnknown, ProviderError, ProviderRefused, ProviderUnavailable

#: A message is shown to people; this much of it, and of a parameter's name.
MOST_MESSAGE, MOST_PARAM = 300, 80
#: Shorter ones are words that stand in any message.
LEAST_SECRET = 6

#: Seconds; no server means more.
LONGEST_WAIT = 86_400.0

MODERATION = frozenset(
    {
        "moderation_blocked",
        "content_policy_violation",
        "content_filter",
        "contentfilter",
        "responsibleaipolicyviolation",
    }
)
QUOTA = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "billing_not_active",
        "spend_limit_reached",
        "quota_exceeded",
    }
)
NO_MODEL = frozenset({"model_not_found", "deploymentnotfound", "model_not_available", "invalid_model"})
_SECRET = re.compile(r"\b(?:sk|sess|Bearer)[-_ ][^\s\"',]{6,}", re.IGNORECASE)
_CATEGORIES = re.compile(r"safety_violations=\[([^\]]*)\]")
_VERIFY = re.compile(r"\bverif(?:y|ied|ication)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back instead of pictures.

    :param status: of HTTP; 0 where no answer came, 200 where the error stood inside one.
    :param body: its JSON, or its text.
    :param headers: with names in lower case.
    :param about: what every error tells: ``alias``, ``model``, and a ``request_id`` where no header names one.
    :param secrets: that were sent: a server may repeat them, in whatever form its keys have.
    """

    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    secrets: Collection[str] = field(default=(), repr=False)

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object, whether or not it stands inside another one."""
        body = _parsed(self.body)
        inner = body.get("error", body) if isinstance(body, Mapping) else {}
        return inner if isinstance(inner, Mapping) else {"message": str(inner)}

    @property
    def code(self) -> str:
        """The server's own code; Azure's finer one first."""
        inner = self.error.get("innererror", self.error.get("inner_error"))
        finer = inner.get("code") if isinstance(inner, Mapping) else None
        return str(finer or self.error.get("code") or "").lower()

    @property
    def message(self) -> str:
        return self._clean("message")[:MOST_MESSAGE]

    @property
    def param(self) -> str:
        """What of the request it is about."""
        return self._clean("param")[:MOST_PARAM]

    def _clean(self, name: str) -> str:
        text = str(self.error.get(name) or "")
        for secret in self.secrets:
            text = text.replace(secret, "...") if len(secret) >= LEAST_SECRET else text
        return _SECRET.sub("...", text)

    @property
    def told(self) -> dict[str, Any]:
        request_id = self.headers.get("x-request-id") or self.headers.get("apim-request-id") or ""
        named = str(request_id)[:120] or self.about.get("request_id") or "-"
        return {**self.about, "request_id": named, "status": self.status}


def answered(reply: Reply) -> ProviderError:
    """The error of an answer that is none: a status of 300 and more, or an error inside a good one."""
    named = _by_code(reply)
    if named is not None:
        return named
    if reply.status == 429:
        return ProviderUnavailable("provider.rate_limited", **_waiting(reply), **reply.told)
    if reply.status in (401, 403):
        return _not_allowed(reply)
    if reply.status in (404, 405) or 300 <= reply.status < 400:
        return ProviderRefused("provider.wrong_address", **reply.told)
    if 400 <= reply.status < 500 and reply.status not in (408, 499):
        words = {"message": reply.message or "-", "param": reply.param or "-"}
        return ProviderRefused("provider.bad_request", **words, **reply.told)
    return unknown(f"status {reply.status}" if reply.status != 200 else "error in the answer", **reply.told)


def unanswered(*, sent: bool, reason: str, wire: bool = True, **about: Any) -> ProviderError:
    """The error of a call without an answer.

    :param sent: whether any byte of the request went out; only if none did is it safe to send it again.
    :param reason: the class of what went wrong, never its words: those may hold secrets.
    :param wire: whether it was the way to the server; else it is a defect, which another try would meet again.
    """
    if sent:
        return unknown(reason, **about)
    if not wire:
        return ProviderRefused("provider.broken", reason=reason, **about)
    return ProviderUnavailable("provider.unreachable", reason=reason, **about)


def unknown(reason: str, **about: Any) -> OutcomeUnknown:
    """It may have been charged."""
    return OutcomeUnknown("provider.outcome_unknown", reason=reason, **about)


def _by_code(reply: Reply) -> ProviderError | None:
    """Codes say more than a status: they decide where both are there. A server's own trouble is never one of them."""
    if reply.status >= 500:
        return None
    kind = str(reply.error.get("type") or "").lower()
    if reply.code in MODERATION:
        return ProviderRefused("provider.moderation_blocked", **_moderation(reply), **reply.told)
    if reply.code in QUOTA or kind in QUOTA:
        return ProviderRefused("provider.quota", **reply.told)
    if reply.code in NO_MODEL:
        return ProviderRefused("provider.model_not_found", **reply.told)
    if reply.code == "rate_limit_exceeded" and reply.status == 200:
        return ProviderUnavailable("provider.rate_limited", **_waiting(reply), **reply.told)
    return None


def _not_allowed(reply: Reply) -> ProviderError:
    """Of these answers no words are passed on: some repeat a part of the key."""
    unverified = reply.status == 403 and _VERIFY.search(str(reply.error.get("message") or ""))
    return ProviderRefused("provider.unverified" if unverified else "provider.auth", **reply.told)


def _moderation(reply: Reply) -> dict[str, str]:
    """At which stage and for what; ``unknown`` where it does not say."""
    details = reply.error.get("moderation_details")
    details = details if isinstance(details, Mapping) else {}
    listed = details.get("categories")
    if not isinstance(listed, list):
        found = _CATEGORIES.search(str(reply.error.get("message") or ""))
        listed = found[1].split(",") if found else []
    categories = ", ".join(str(item).strip() for item in listed if str(item).strip())
    return {
        "stage": str(details.get("moderation_stage") or "unknown")[:40],
        "categories": categories[:200] or "unknown",
    }


def _waiting(reply: Reply) -> dict[str, float]:
    seconds = retry_after(reply.headers)
    return {} if seconds is None else {"retry_after": seconds}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by ``retry-after-ms`` or ``retry-after`` (seconds, or a date held against the answer's own)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return min(max(0.0, float(headers[name]) / unit), LONGEST_WAIT)
        except (KeyError, ValueError):
            continue
    try:
        ends, now = (parsedate_to_datetime(headers[name]) for name in ("retry-after", "date"))
        return min(max(0.0, (ends - now).total_seconds()), LONGEST_WAIT)
    except (KeyError, ValueError, TypeError):
        return None


def _parsed(body: Any) -> Any:
    if isinstance(body, (str, bytes)):
        try:
            return json.loads(body)
        except ValueError:
            return {}
    return body
