"""What the demo puts into an empty site: the brand, its prompts, two people to log in as, and the stories."""

import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command

from image_studio.models import Brand, BrandMembership
from image_studio.policy import Policy
from image_studio.workflow import import_kit, save_prompt
from magazine.models import Article

HERE = Path(__file__).parent
OWNER, REVIEWER = "demo", "reviewer"


@dataclass(frozen=True)
class People:
    """The accounts of this run; both have the same password, made for it."""

    owner: Any
    reviewer: Any
    password: str


def seed() -> tuple[Brand, People]:
    """Tables, channels, brand, prompts and people."""
    call_command("migrate", verbosity=0, interactive=False)
    with Path("/dev/null").open("w") as nowhere:
        call_command("studio_setup", "--no-brand", stdout=nowhere)
    brand = import_kit(Policy.operator(), HERE / "brand").brand
    for prompt in tomllib.loads((HERE / "prompts.toml").read_text("utf-8"))["prompts"]:
        save_prompt(Policy.operator(), brand, **prompt)
    return brand, _people(brand)


def _people(brand: Brand) -> People:
    users, password = get_user_model().objects, secrets.token_urlsafe(9)
    owner = users.create_superuser(OWNER, password=password)
    reviewer = users.create_user(REVIEWER, password=password, is_staff=True)
    reviewer.groups.add(Group.objects.get(name="Studio editors"))
    BrandMembership.objects.create(brand=brand, user=reviewer, role="reviewer")
    return People(owner=owner, reviewer=reviewer, password=password)


def stories() -> list[dict[str, Any]]:
    """The magazine's articles as they stand in ``articles.toml``."""
    rows: list[dict[str, Any]] = tomllib.loads((HERE / "articles.toml").read_text("utf-8"))["articles"]
    return rows


def publish_stories(shown: dict[tuple[str, str], Any]) -> list[Article]:
    """Write the articles with the published pictures.

    :param shown: (channel, locale) -> asset; a story without its picture goes without one.
    """
    made = []
    for position, row in enumerate(stories()):
        picture, card = (shown.get((row[place], row["locale"])) for place in ("picture", "card"))
        fields = {**row, "picture": picture, "card": card, "body": row["body"].strip()}
        made.append(Article.objects.create(position=position, **fields))
    return made
