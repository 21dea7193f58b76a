"""The data of the studio's first page, for who looks at it."""

from __future__ import annotations

from typing import Any

from django import template

from image_studio.policy import Policy
from image_studio.workflow.home import NOUNS, Home, home

register = template.Library()


@register.simple_tag(takes_context=True)
def studio_home(context: template.Context, user: Any) -> Home:
    """The page of a person; nouns that Django's own permissions hide stay empty."""
    policy = getattr(context.get("request"), "studio_policy", None) or Policy(user)
    return home(policy, nouns=[noun for noun in NOUNS if user.has_perm(f"image_studio.view_{noun}")])


@register.filter
def part(done: int, of: int) -> int:
    """So much of it in per cent, for a drawing."""
    return round(100 * done / of) if of else 0
