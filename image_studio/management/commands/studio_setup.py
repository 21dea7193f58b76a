"""``manage.py studio_setup``: channels, groups and a first brand; may be run at any time."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group, Permission

from image_studio.brand.kit import Kit
from image_studio.catalog import specs
from image_studio.management.base import StudioCommand
from image_studio.models import Brand, Channel
from image_studio.workflow import save_kit

NOUNS = ("asset", "prompt", "promptversion", "variantset", "variant", "job", "editchain", "editrecipe", "replay")
#: Group -> the admin permissions it gets. What its members may do in a brand is the membership's to say.
GROUPS = {
    "Studio editors": [
        *(f"view_{noun}" for noun in (*NOUNS, "brand", "channel", "event")),
        "add_asset",
        "change_asset",
        "add_prompt",
        "change_prompt",
        "add_variantset",
        "change_variantset",
        *(f"{verb}_{noun}" for noun in ("editchain", "editrecipe", "replay") for verb in ("add", "change")),
    ],
    "Studio brand managers": [
        *(f"{verb}_{noun}" for noun in (*NOUNS, "brand", "brandmembership") for verb in ("view", "add", "change")),
        "delete_brandmembership",
        "view_channel",
        "view_event",
    ],
}


class Command(StudioCommand):
    """Load what a site needs before its first picture. Idempotent; edits are never overwritten."""

    help = "Loads the shipped channels, makes the groups, and a first brand where there is none."
    keys = ("what", "name", "status")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-brand", action="store_true", help="make no first brand")

    def run(self, **options: Any) -> int:
        rows = [*_channels(), *_groups()]
        if not options["no_brand"]:
            rows += self._brand()
        self.lines(rows, as_json=options["json"])
        return 0

    def _brand(self) -> list[dict[str, str]]:
        if Brand.objects.exists():
            return []
        kit = Kit(name="Default brand", slug="default")
        save_kit(self.policy, None, kit, note="studio_setup")
        return [{"what": "brand", "name": kit.slug, "status": "made"}]


def _channels() -> list[dict[str, str]]:
    rows = []
    for slug, spec in specs.channels().items():
        _row, made = Channel.objects.get_or_create(slug=slug, defaults=Channel.values_of(spec))
        rows.append({"what": "channel", "name": slug, "status": "made" if made else "kept"})
    return rows


def _groups() -> list[dict[str, str]]:
    rows = []
    for name, codenames in GROUPS.items():
        group, made = Group.objects.get_or_create(name=name)
        if made:
            group.permissions.set(
                Permission.objects.filter(content_type__app_label="image_studio", codename__in=codenames)
            )
        rows.append({"what": "group", "name": name, "status": "made" if made else "kept"})
    return rows
