"""The same request twice, one answer: for every verb that can spend.

The key's row is written first, in the transaction of the act itself. A twin that comes meanwhile waits on the unique
index: when the first commits it is given the first one's answer, when the first is refused it acts itself. So a key
without an answer never outlives its request, and a refused request leaves its key free for the corrected one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, OperationalError, transaction

from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import IdempotencyKey
from image_studio.policy import Policy

#: Visible ASCII, as an HTTP header carries it unharmed.
KEY = re.compile(r"[\x21-\x7e]{1,100}")
#: When the first of many twins is refused, the others race for its key; MariaDB ends some of those races by a deadlock.
TRIES = 5
#: ER_LOCK_DEADLOCK
MARIADB_DEADLOCK = 1213


@dataclass(frozen=True, kw_only=True)
class Once:
    """What a request was answered.

    :param answer: plain JSON values, as they are kept with the key.
    :param replayed: True where an earlier request had made it.
    """

    answer: dict[str, Any]
    replayed: bool


class _Taken(Exception):
    """Somebody else's row has the key."""


class _Deadlock(OperationalError):
    """The database gave up the write of the key, and the transaction with it: nothing was done yet."""


def once(policy: Policy, key: str, body: Any, act: Callable[[], Mapping[str, Any]]) -> Once:
    """Act, unless this person's key was answered before.

    :param key: 1 to 100 visible ASCII characters, the person's own: another's same key is independent.
    :param body: plain JSON values that say everything of the request, its verb and target too.
    :param act: changes rows only, and returns plain JSON values that fit to be the answer twice.
    :raises InvalidRequest: ``idempotency.key_missing``, ``idempotency.bad_key``.
    :raises Conflict: ``idempotency.other_body``; ``idempotency.in_flight`` while the first is not answered.
    """
    found = replayed(policy, key, body)
    if found is not None:
        return found
    try:
        return Once(answer=_acted(policy, key, body, act), replayed=False)
    except _Taken:
        found = replayed(policy, key, body)
    if found is None:
        # Not to be seen yet from inside a transaction that began before the twin's ended.
        raise Conflict("idempotency.in_flight")
    return found


def replayed(policy: Policy, key: str, body: Any) -> Once | None:
    """The answer that a key was given before, or None: for callers with something slow to do before the act.

    :raises InvalidRequest: as :func:`once`.
    :raises Conflict: as :func:`once`.
    """
    _judge(key)
    row = IdempotencyKey.objects.filter(user_id=policy.actor.user_id, key=kept_key(key)).first()
    if row is None:
        return None
    if row.body_hash != body_hash(body):
        raise Conflict("idempotency.other_body")
    if row.answer is None:
        raise Conflict("idempotency.in_flight")
    return Once(answer=row.answer, replayed=True)


def kept_key(key: str) -> str:
    """A key as its row has it: hashed, because MariaDB takes ``K`` and ``k`` for one, and they are two orders."""
    return hashlib.sha256(key.encode()).hexdigest()


def body_hash(body: Any) -> str:
    """SHA-256 of plain JSON values; the order of keys does not count."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _judge(key: str) -> None:
    if not key:
        raise InvalidRequest("idempotency.key_missing")
    if not KEY.fullmatch(key):
        raise InvalidRequest("idempotency.bad_key")


def _acted(policy: Policy, key: str, body: Any, act: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    tries = 1 if transaction.get_connection().in_atomic_block else TRIES
    for _try in range(tries - 1):
        try:
            return _act(policy, key, body, act)
        except _Deadlock:
            continue
    return _act(policy, key, body, act)


def _act(policy: Policy, key: str, body: Any, act: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    with transaction.atomic():
        row = _take(policy, key, body)
        answer = dict(act())
        IdempotencyKey.objects.filter(pk=row.pk).update(answer=answer)
    return answer


def _take(policy: Policy, key: str, body: Any) -> IdempotencyKey:
    try:
        return IdempotencyKey.objects.create(user_id=policy.actor.user_id, key=kept_key(key), body_hash=body_hash(body))
    except IntegrityError as error:
        raise _Taken from error
    except OperationalError as error:
        if error.args[:1] == (MARIADB_DEADLOCK,):
            raise _Deadlock(*error.args) from error
        raise
