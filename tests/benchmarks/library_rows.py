"""A library of a million pictures, without their files: some rows by the ORM, and the database multiplies them."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone

from image_studio.models import Asset, Brand, BrandMembership, Channel, Review
from tests.factories import make_brand, make_user

BRANDS, TEMPLATES = 10, 1000
#: Brands that nobody has worked for since the first fifth: all their rows lie behind a library of newer ones.
OLD, OF_OLD = 2, 20
STATES = ("candidate",) * 5 + ("approved", "published", "published", "rejected", "withdrawn")
TEXTS = ("A red bottle on a table", "Summer sale, the hero of the page", "Two people at a window, seen from behind")


def fill(count: int) -> dict[str, Any]:
    """About ``count`` pictures of ten brands, and who looks at them: name -> user."""
    brands = [make_brand() for _ in range(BRANDS)]
    channels = [Channel.objects.create(slug=f"c-{n}", name=f"C {n}", width=1080, height=1080) for n in range(6)]
    dice = random.Random(1)
    Asset.objects.bulk_create(_template(number, brands, channels, dice) for number in range(TEMPLATES))
    _multiply(count // TEMPLATES - 1, brands[-OLD:])
    _ask_for_changes(dice)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {
        "superuser": make_user(is_superuser=True, is_staff=True),
        "member of one brand": _member(brands[4:5]),
        "member of three brands": _member(brands[2:5]),
        "member of two old brands": _member(brands[-OLD:]),
    }


def _template(number: int, brands: list[Brand], channels: list[Channel], dice: random.Random) -> Asset:
    composed = number % 4 > 0
    title = dice.choice(TEXTS)
    is_old = number < OF_OLD * OLD
    return Asset(
        id=uuid.UUID(int=(0x7 << 76) | (0x8 << 60) | number),
        brand=brands[-1 - number // OF_OLD] if is_old else brands[dice.randrange(len(brands) - OLD)],
        kind="composed" if composed else "raw",
        origin="compose" if composed else "provider",
        channel=dice.choice(channels) if composed else None,
        locale=dice.choice(("en", "ar")) if composed else "",
        file=f"raw/{number:032x}.png",
        sha256=f"{dice.getrandbits(256):064x}",
        weight=dice.randrange(100_000, 3_000_000),
        format="png",
        width=1080,
        height=1350,
        source_type="trainedAlgorithmicMedia",
        recipe={"request": {"prompt": " ".join(TEXTS) * 4}},
        micro_usd=dice.choice((0, 5_000, 11_000, 42_000, 167_000)) + dice.randrange(1000),
        title=title,
        alt={"en": title, "ar": title},
        tags=["summer", "bottle"],
        focal_x=0.5 if number % 3 else None,
        focal_y=0.4 if number % 3 else None,
        rights_owner="Acme",
        expires_at=_end(number),
        words=title.lower(),
        used_at=None if number % (2 if is_old else 5) else timezone.now() - timedelta(seconds=dice.randrange(10**7)),
        state=dice.choice(STATES),
        created_at=timezone.now(),
    )


def _end(number: int) -> datetime | None:
    """Rights that have ended, rights that end soon (one in a thousand), and mostly rights that do not end."""
    now = timezone.now()
    return now + timedelta(days=20) if number == 500 else now - timedelta(days=300) if number % 50 == 7 else None


def _multiply(blocks: int, old: list[Brand]) -> None:
    """Each block is all templates again, with ids that come later; old brands stop at a fifth."""
    row = Asset._meta
    columns = [field.column for field in row.concrete_fields if not field.primary_key]
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    if connection.vendor == "postgresql":
        new_id = "(lpad(to_hex(block.n), 8, '0') || substr(one.id::text, 9))::uuid"
        blocks_of = f"generate_series(1, {blocks}) AS block(n)"
    else:
        new_id = "printf('%%08x', block.n) || substr(one.id, 9)"
        blocks_of = (
            f"(WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {blocks}) SELECT n FROM up)"
            " AS block"
        )
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA cache_size = -1000000")
        cursor.execute(
            f"INSERT INTO {row.db_table} (id, {names}) SELECT {new_id}, {names} FROM {blocks_of}"
            f" CROSS JOIN (SELECT * FROM {row.db_table}) AS one"
            f" WHERE block.n <= {blocks // 5} OR one.brand_id NOT IN (%s, %s) ORDER BY 1",
            [Brand._meta.pk.get_db_prep_value(brand.pk, connection) for brand in old],
        )
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA cache_size = -2000")


def _ask_for_changes(dice: random.Random) -> None:
    """A few pictures in a million wait for a change."""
    for asset in Asset.objects.order_by("id")[: 20 * 37 : 37]:
        asked = Review.objects.create(asset=asset, decision="change", note="Warmer", sha256=asset.sha256)
        Asset.objects.filter(pk=asset.pk).update(change_asked=asked)


def _member(brands: list[Brand]) -> Any:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="image_studio"))
    for brand in brands:
        BrandMembership.objects.create(brand=brand, user=user, role="reviewer")
    return user
