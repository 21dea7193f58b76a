"""Two brands with one of everything, people in every role, and words that must stay in their brand.

Every text, name and file of a brand carries its canary; whoever is not in the brand must never read one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from image_studio import ledger, storage
from image_studio.brand.kit import Line
from image_studio.models import (
    OPERATOR,
    Actor,
    Attempt,
    Budget,
    CheckResult,
    Event,
    Job,
    JobOutput,
    LedgerEntry,
    Rendition,
    Review,
)
from tests import factories
from tests.rights.edits import make_chain
from tests.testapp.models import Article

#: Role -> the membership in the first brand: a role of the brand, or None for somebody without one.
ROLES: dict[str, str | None] = {
    "anonymous": None,
    "stranger": None,
    "viewer": "viewer",
    "creator": "creator",
    "reviewer": "reviewer",
    "manager": "manager",
    "owner": "creator",
    "other": "creator",
    "superuser": None,
    "rival": None,
}
#: Members who see their own rows only; ``owner`` owns the brand's, ``other`` owns nothing.
OWN_ONLY = ("owner", "other")
MEMBERS = tuple(role for role, membership in ROLES.items() if membership)
OWNED_WORDS = (
    *("raw", "candidate", "approved", "worn", "set", "other set", "note", "layer", "recipe", "words"),
    *("path", "instruction", "draft", "replay", "bill", "doubt"),
)
CHANNELS = ("square", "story", "feed-portrait")
SMALL = 4


@dataclass
class Side:
    """One brand and what is in it; the names are those that the table of routes uses."""

    canary: str
    owner: Any
    things: dict[str, Any] = field(default_factory=dict)
    #: The files that only this brand's people may fetch: name -> a piece of its bytes.
    bytes: dict[str, bytes] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["things"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def secrets(self) -> dict[str, bytes]:
        """What nobody outside may read: words, ids, sums and pieces of pictures."""
        words = {"word": self.canary.encode(), "upper word": self.canary.upper().encode()}
        return {**words, **self._ids(self.things), **self.owned}

    @property
    def owned(self) -> dict[str, bytes]:
        """What in the brand belongs to its owner: members who see their own things only may not read it."""
        words = {f"words of {name}": f"{self.canary} {name}".encode() for name in OWNED_WORDS}
        return {**words, **self._ids(set(self.things) - {"brand", "revision"}), **self.bytes}

    def _ids(self, names: Iterable[str]) -> dict[str, bytes]:
        keys = {name: str(getattr(self.things[name], "pk", "")) for name in names if name != "public"}
        return {f"id of {name}": pk.encode() for name, pk in keys.items() if len(pk) == 36}


@dataclass
class World:
    """Both sides, and everybody's browser (session) and program (token)."""

    north: Side
    south: Side
    browsers: dict[str, Client]
    programs: dict[str, Client]
    users: dict[str, Any]
    #: Pages that a superuser has opened, for the forms in them.
    pages: dict[str, Any] = field(default_factory=dict)

    @property
    def tokens(self) -> dict[str, str]:
        """Role -> what its program sends as ``Authorization``."""
        return {role: f"Token {user.auth_token.key}" for role, user in self.users.items()}

    def side(self, name: str) -> Side:
        return self.north if name == "north" else self.south


def build() -> World:
    """Everything, about a second. Work is never done: nothing commits."""
    users = {role: _user(role) for role in ROLES if role != "anonymous"}
    users["southerner"] = _user("southerner")
    #: A brand's manager to whom the site gave no permission of Django's.
    users["bare"] = factories.make_user(is_staff=True, username="bare-person")
    for slug in CHANNELS:
        (channel,) = factories.make_channels(slug)
        channel.width, channel.height = channel.width // SMALL, channel.height // SMALL
        channel.save()
    north, south = _side("northcanary", users["owner"]), _side("southcanary", users["southerner"])
    _join(users, north, south)
    make_chain(north)
    make_chain(south)
    browsers = {role: _browser(users.get(role)) for role in (*ROLES, "southerner", "bare")}
    programs = {role: _program(users.get(role)) for role in (*ROLES, "southerner", "bare")}
    return World(north=north, south=south, browsers=browsers, programs=programs, users=users)


def _user(role: str) -> Any:
    """Django's permissions are all given, so that only the brands' own rights decide."""
    name = {"owner": "northcanary-owner", "southerner": "southcanary-owner"}.get(role, f"{role}-person")
    user = factories.make_user(is_staff=True, is_superuser=role == "superuser", username=name)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="image_studio"))
    return user


def _join(users: dict[str, Any], north: Side, south: Side) -> None:
    rows = north.brand.memberships
    for role, membership in ROLES.items():
        if membership:
            rows.create(user=users[role], role=membership, own_only=role in OWN_ONLY)
    rows.create(user=users["bare"], role="manager")
    south.brand.memberships.create(user=users["rival"], role="manager")
    south.brand.memberships.create(user=users["southerner"], role="creator", own_only=True)


def _browser(user: Any) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def _program(user: Any) -> Client:
    if user is None:
        return Client()
    token, _made = Token.objects.get_or_create(user=user)
    return Client(headers={"Authorization": f"Token {token.key}"})


def _side(canary: str, owner: Any) -> Side:
    kit, _files = factories.kit_and_files(canary)
    lines = tuple(Line(key=line.key, locale=line.locale, text=f"{canary} {line.text}") for line in kit.lines)
    brand = factories.make_brand(canary, lines=lines)
    side = Side(canary=canary, owner=owner)
    things = side.things
    things["brand"], things["revision"] = brand, brand.revision
    things["logo"] = next(iter(brand.revision.files))
    version = factories.make_prompt(brand, f"{canary} bottle, {{mood}} light")
    version.prompt.name = f"{canary} prompt"
    version.prompt.slug = f"{canary}-prompt"
    version.prompt.save()
    things["prompt"], things["version"] = version.prompt, version
    for name, fields in PICTURES.items():
        things[name] = _picture(side, name, **fields)
    _make_public(side)
    # A page of the site still holds what was withdrawn.
    Article.objects.create(title=f"{canary} page", picture=side.worn)
    _work(side)
    _money(side)
    _story(side)
    for name, thing in things.items():
        if type(thing).__name__ == "Asset" and name != "public":
            side.bytes[f"bytes of {name}"] = _piece(thing.file)
            side.bytes[f"preview of {name}"] = _piece(thing.renditions.get(spec="preview").file)
            side.bytes[f"sum of {name}"] = thing.sha256.encode()
    return side


#: Pictures in every state: a raw one, and composed ones.
PICTURES: dict[str, dict[str, Any]] = {
    "raw": {},
    "candidate": {"kind": "composed", "origin": "compose", "locale": "en"},
    "approved": {"kind": "composed", "origin": "compose", "locale": "en", "state": "approved"},
    "public": {"kind": "raw", "state": "published"},
    "worn": {"kind": "raw", "state": "withdrawn"},
}


def _picture(side: Side, name: str, **fields: Any) -> Any:
    words = "seen by all" if name == "public" else f"{side.canary} {name}"
    values = {
        "title": words,
        "alt": {"en": f"{words} in words", "ar": f"{words} بالكلمات"},
        "tags": [words],
        "rights_owner": f"{side.canary} rights",
        "recipe": {"request": {"prompt": f"{side.canary} recipe"}, "request_id": f"{side.canary}-request"},
        "created_by": side.owner,
        **fields,
    }
    size = (160 + len(name), 120 + (side.canary == "southcanary"))
    asset = factories.make_asset(side.brand, size, **values)
    asset.words = asset.search_words()
    asset.save(update_fields=["words"])
    return asset


def _make_public(side: Side) -> None:
    """As publishing leaves it: its row and its public files."""
    asset = side.public
    data = factories.encoded(factories.draw_photo((64, 48)), "webp")
    name = storage.write(storage.public(), storage.fresh_name("public", "webp"), data)
    Rendition.objects.create(
        asset=asset,
        spec="w64.webp",
        public=True,
        file=name,
        sha256=hashlib.sha256(data).hexdigest(),
        weight=len(data),
        format="webp",
        width=64,
        height=48,
    )
    type(asset).objects.filter(pk=asset.pk).update(published_at=timezone.now())
    asset.refresh_from_db()


def _work(side: Side) -> None:
    """A set with a finished cell, one that is being made, and one that failed; a job that waits."""
    channels = factories.make_channels(*CHANNELS)
    made = factories.make_set(side.brand, channels=channels, requested_by=side.owner)
    made.title, made.prompt_text = f"{side.canary} set", f"{side.canary} words"
    made.prompt_version = side.version
    made.save()
    ready, working, failed = made.variants.order_by("position").select_related("job")
    ready.asset, ready.state = side.candidate, "ready"
    ready.save()
    Job.objects.filter(pk=ready.job_id).update(state="done")
    JobOutput.objects.create(job=ready.job, index=0, asset=side.raw)
    early = factories.encoded(factories.draw_photo((40, 30), hue=40 * (side.canary == "southcanary")), "webp")
    side.bytes["early version"] = early[len(early) // 2 :][:32]
    name = storage.write(storage.private(), storage.fresh_name("partials", "webp"), early)
    partials = {"0": {"file": name, "number": 1, "format": "webp"}}
    Job.objects.filter(pk=working.job_id).update(state="sending", partials=partials)
    params = {"message": f"{side.canary} said the provider"}
    Job.objects.filter(pk=failed.job_id).update(
        state="failed", error_code="provider.refused", error_params=params, ended_at=timezone.now()
    )
    Attempt.objects.create(
        job=failed.job,
        number=1,
        state="failed",
        provider="previs",
        model="previs-placeholder",
        worker=failed.job_id,
        request_id=f"{side.canary}-attempt",
        started_at=timezone.now(),
    )
    other = factories.make_set(side.brand, channels=channels[:1], requested_by=side.owner)
    type(other).objects.filter(pk=other.pk).update(title=f"{side.canary} other set")
    waiting = other.jobs.get()
    side.things.update(
        set=made, ready=ready, working=working, failed=failed, working_job=working.job, failed_job=failed.job
    )
    side.things.update(other_set=other, waiting=waiting, other_cell=other.variants.get())


def _money(side: Side) -> None:
    """A budget, a call that may have been charged, and one that was."""
    job = factories.make_job(
        side.brand,
        state="unknown",
        requested_by=side.owner,
        actor_label=side.owner.get_username(),
        ended_at=timezone.now(),
    )
    call = Attempt.objects.create(
        job=job,
        number=1,
        state="unknown",
        provider=job.provider,
        model=job.model,
        worker=job.pk,
        host="elsewhere",
        hold_micro_usd=40_000,
        hold_user=str(side.owner.pk),
        error_code="provider.refused",
        error_params={"message": f"{side.canary} doubt"},
        started_at=timezone.now(),
    )
    bill = ledger.Bill.of(job, attempt=call.pk)
    budget = ledger.open_budget(Budget(brand=side.brand, hard_micro_usd=100_000_000))
    paid = ledger.Movement(bill=bill, kind="settle", spent=30_000, pictures=1, note=f"{side.canary} bill")
    doubted = ledger.Movement(bill=bill, kind="hold", held=40_000, note=f"{side.canary} bill")
    ledger.write([paid, doubted], actor=Actor.of(side.owner))
    Job.objects.filter(pk=job.pk).update(cost_micro_usd=30_000)
    entry = LedgerEntry.objects.filter(job=job.pk, kind="settle").get()
    side.things.update(doubtful_job=job, call=call, budget=budget, entry=entry)


def _story(side: Side) -> None:
    """What was said and found: a review, a verdict, events."""
    CheckResult.objects.create(
        asset=side.candidate,
        revision=side.revision,
        check_name="contrast",
        kind="measured",
        verdict="warn",
        code="contrast.enough",
        params={"layer": f"{side.canary} layer", "ratio": 5, "needed": 4.5},
    )
    Review.objects.create(
        asset=side.candidate,
        decision="change",
        note=f"{side.canary} note",
        reviewer=side.owner,
        reviewer_label=side.owner.get_username(),
        sha256=side.candidate.sha256,
        revision=side.revision,
    )
    Event.objects.record(Actor.of(side.owner), "asset.ingested", side.raw, name=f"{side.canary}.jpg")
    Event.objects.record(OPERATOR, "brand.saved", side.brand, note=f"{side.canary} revision")
    side.things["channel"] = side.ready.channel
    side.things["event"] = Event.objects.filter(object_id=str(side.raw.pk)).first()
    side.things["brand_event"] = Event.objects.filter(object_id=str(side.brand.pk)).first()


def _piece(name: str) -> bytes:
    """A piece out of the middle of a private file, which no other file has."""
    data = storage.read(storage.private(), name)
    middle = len(data) // 2
    return data[middle : middle + 32]


# What is there ------------------------------------------------------------------------------------------------------


def snapshot() -> dict[str, Any]:
    """Every row of the studio and every file: two of them are equal only when nothing happened in between."""
    models = apps.get_app_config("image_studio").get_models(include_auto_created=True)
    with connection.cursor() as cursor:
        rows = {model.__name__: _rows(cursor, model._meta.db_table) for model in models}
    return {**rows, "files": _files()}


def _rows(cursor: Any, table: str) -> list[str]:
    cursor.execute(f"SELECT * FROM {table}")
    return sorted(map(repr, cursor.fetchall()))


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[str]]:
    """What changed, by table; empty where nothing did."""
    found = {}
    for name, rows in before.items():
        changed = sorted(set(rows) ^ set(after[name]))
        if changed:
            found[name] = [row[:300] for row in changed]
    return found


def _files() -> list[str]:
    root = Path(settings.MEDIA_ROOT).parent
    return sorted(
        f"{Path(folder, name).relative_to(root)} {Path(folder, name).stat().st_size}"
        for folder, _folders, names in os.walk(root)
        for name in names
    )


def content_of(response: Any) -> bytes:
    """All bytes of an answer with its headers; a stream is read to its end, which closes it."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body + b"\n" + "\n".join(f"{name}: {value}" for name, value in response.items()).encode()
