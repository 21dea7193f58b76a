"""Writing prompts: every change is a new version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from image_studio.brand.kit import SLUG
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import Brand, Event, Prompt, PromptVersion, read_template
from image_studio.models.prompt import MAX_PROMPT
from image_studio.policy import Policy


def save_prompt(
    policy: Policy,
    brand: Brand,
    *,
    slug: str,
    name: str,
    template: str,
    variables: Sequence[Any] = (),
    slots: Sequence[Any] = (),
    description: str = "",
    prompt: Prompt | None = None,
) -> PromptVersion:
    """Make a prompt, or a new version of one; unchanged words make no version.

    :raises InvalidRequest: for broken braces, a bad variable or slug, or more than 32,000 characters.
    :raises Conflict: ``prompt.slug_taken``.
    """
    policy.require("write_prompt", brand)
    if not SLUG.match(slug):
        raise InvalidRequest("prompt.bad_slug", slug=slug)
    if len(template) > MAX_PROMPT:
        raise InvalidRequest("prompt.too_long", length=len(template), most=MAX_PROMPT)
    words = {"template": template, "variables": read_template(template, list(variables)), "slots": list(slots)}
    named = {"slug": slug, "name": name or slug, "description": description}
    try:
        with transaction.atomic():
            return _save(policy, brand, prompt, named, words)
    except IntegrityError:
        raise Conflict("prompt.slug_taken", slug=slug) from None


def _save(
    policy: Policy, brand: Brand, prompt: Prompt | None, named: dict[str, str], words: dict[str, Any]
) -> PromptVersion:
    if prompt is None:
        prompt = Prompt.objects.create(brand=brand, **named)
    else:
        # The first statement is a write: it takes the row (SQLite: the file) before anything is read.
        Prompt.objects.filter(pk=prompt.pk).update(**named)
    newest = prompt.versions.order_by("-number").first()
    if newest and all(getattr(newest, key) == value for key, value in words.items()):
        return newest
    version = PromptVersion.objects.create(
        prompt=prompt, number=newest.number + 1 if newest else 1, actor_label=policy.actor.label, **words
    )
    Event.objects.record(policy.actor, "prompt.version_saved", prompt, number=version.number)
    return version
