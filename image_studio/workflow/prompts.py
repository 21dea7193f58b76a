"""Writing prompts: every change is a new version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify

from image_studio.brand.checks import load, prompt_findings
from image_studio.brand.kit import SLUG
from image_studio.conf import conf
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import Brand, Event, Prompt, PromptVersion, read_template
from image_studio.models.prompt import MAX_PROMPT
from image_studio.policy import Policy
from image_studio.providers.base import Finding

#: Letters of a short name that is made of a prompt's own words.
LONGEST_STEM = 40
#: What can be changed of a prompt without a new version.
EDITABLE = frozenset({"slug", "name", "description", "archived", "labels"})


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
    policy.require("write_prompt", prompt or brand)
    _judge_slug(slug)
    named = {"slug": slug, "name": name or slug, "description": description}
    words = _words(template, variables, slots)
    try:
        with transaction.atomic():
            if prompt is None:
                prompt = Prompt.objects.create(brand=brand, created_by=policy.user, **named)
            else:
                # The first statement is a write: it takes the row (SQLite: the file) before anything is read.
                Prompt.objects.filter(pk=prompt.pk).update(**named)
            return _version(policy, prompt, words)[0]
    except IntegrityError:
        raise Conflict("prompt.slug_taken", slug=slug) from None


def prompt_of_words(policy: Policy, brand: Brand, text: str) -> PromptVersion:
    """The prompt that says just these words; the same words lead to the same prompt, and only new ones are written.

    :raises InvalidRequest: for no words at all, or more than 32,000 characters.
    """
    words = " ".join(text.split())
    stem = slugify(words.replace("_", " "))[:LONGEST_STEM].strip("-") or "words"
    slug = f"{stem}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
    there = brand.prompts.filter(slug=slug).first()
    version = there.version() if there else None
    template = words.replace("{", "{{").replace("}", "}}")
    if version is not None and version.template == template:
        return version
    return save_prompt(policy, brand, slug=slug, name=words[:200], template=template, prompt=there)


def add_version(
    policy: Policy, prompt: Prompt, *, template: str, variables: Sequence[Any] = (), slots: Sequence[Any] = ()
) -> tuple[PromptVersion, bool]:
    """New words for a prompt; what it is called stays.

    :return: the version, and whether it is new: unchanged words make none.
    :raises InvalidRequest: as :func:`save_prompt`.
    """
    policy.require("write_prompt", prompt)
    words = _words(template, variables, slots)
    with transaction.atomic():
        Prompt.objects.filter(pk=prompt.pk).update(slug=F("slug"))
        return _version(policy, prompt, words)


def edit_prompt(policy: Policy, prompt: Prompt, **changes: Any) -> None:
    """Change what a prompt is called, whether it is offered, and which versions its labels point at.

    :param changes: of ``slug``, ``name``, ``description``, ``archived`` and ``labels`` (label -> number of a version).
    :raises InvalidRequest: ``prompt.bad_slug``, ``prompt.bad_label``, ``prompt.unknown_version``.
    :raises Conflict: ``prompt.slug_taken``.
    """
    policy.require("write_prompt", prompt)
    if not EDITABLE.issuperset(changes):
        raise TypeError(f"edit_prompt() takes {sorted(EDITABLE)}")
    if "slug" in changes:
        _judge_slug(changes["slug"])
    if "labels" in changes:
        _judge_labels(prompt, changes["labels"])
    try:
        with transaction.atomic():
            Prompt.objects.filter(pk=prompt.pk).update(**changes)
            Event.objects.record(policy.actor, "prompt.edited", prompt, changed=sorted(changes))
    except IntegrityError:
        raise Conflict("prompt.slug_taken", slug=changes.get("slug", prompt.slug)) from None
    for name, value in changes.items():
        setattr(prompt, name, value)


@dataclass(frozen=True, kw_only=True)
class FilledPrompt:
    """A version with its places filled, and what the brand's terms say of it. Nothing was written or spent."""

    text: str
    findings: tuple[Finding, ...]


def fill_prompt(policy: Policy, version: PromptVersion, values: Mapping[str, Any]) -> FilledPrompt:
    """What a version reads like with these values.

    :raises InvalidRequest: for a missing, unknown or ill-typed variable, naming it.
    """
    policy.require("view", version.prompt)
    text = version.render(values)
    verdicts = prompt_findings(version.prompt.brand.kit, text, None, load(conf().brand_checks))
    return FilledPrompt(
        text=text,
        findings=tuple(
            Finding(code=v.code, params=v.params, blocks=v.verdict == "fail" and v.blocks, where="prompt")
            for v in verdicts
        ),
    )


def _judge_slug(slug: str) -> None:
    if not SLUG.match(slug):
        raise InvalidRequest("prompt.bad_slug", slug=slug)


def _judge_labels(prompt: Prompt, labels: Mapping[str, int]) -> None:
    for label in labels:
        if not SLUG.match(label):
            raise InvalidRequest("prompt.bad_label", label=label)
    known = set(prompt.versions.filter(number__in=labels.values()).values_list("number", flat=True))
    for label, number in labels.items():
        if number not in known:
            raise InvalidRequest("prompt.unknown_version", version=number, label=label, prompt=prompt.name)


def _words(template: str, variables: Sequence[Any], slots: Sequence[Any]) -> dict[str, Any]:
    if len(template) > MAX_PROMPT:
        raise InvalidRequest("prompt.too_long", length=len(template), most=MAX_PROMPT)
    return {"template": template, "variables": read_template(template, list(variables)), "slots": list(slots)}


def _version(policy: Policy, prompt: Prompt, words: dict[str, Any]) -> tuple[PromptVersion, bool]:
    """The newest version if it says the same, else a new one. The caller holds the prompt's row."""
    newest = prompt.versions.order_by("-number").first()
    if newest and all(getattr(newest, key) == value for key, value in words.items()):
        return newest, False
    version = PromptVersion.objects.create(
        prompt=prompt, number=newest.number + 1 if newest else 1, actor_label=policy.actor.label, **words
    )
    Event.objects.record(policy.actor, "prompt.version_saved", prompt, number=version.number)
    return version, True
