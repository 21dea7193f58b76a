"""How much a provider may be asked for: one window per provider and model, in the database, shared by all workers.

A sliding window, not a bucket: in no sixty seconds are more pictures leased than ``RATE_LIMITS`` allows, while a whole
minute's worth may start at once. A bucket that starts as quickly lets through nearly twice its rate in the first
minute, and one that does not lets the first set wait for nothing. However a vendor counts a minute, a sliding window
stays within it. Its slots are whole seconds, counted until sixty seconds are surely over: sixty-one rows at most.
What is counted is the lease, which comes shortly before the call.

Claims decide under the window's row lock, and what they write is one UPDATE on the version that they decided by. The
transaction has written before (SQLite locks by that), so no two claims ever decide by the same state.

The first job that has no room shuts the window until it has: smaller ones do not overtake it for ever. A provider that
says "too many" shuts it as well, for all workers and whether ``RATE_LIMITS`` names it or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q

from image_studio import conf as configuration
from image_studio.catalog.pricing import count
from image_studio.conf import conf
from image_studio.exceptions import Unsupported
from image_studio.models import RateWindow, database_now
from image_studio.providers.base import PictureRequest

#: A provider's alias and a model's id.
Lane = tuple[str, str]
#: One second of a window: the second since 1970, images, tokens.
Slot = tuple[int, int, int]

#: Seconds for which a slot counts: its own may have been nearly over when it was written.
KEPT = 61


class NoWindow(Exception):
    """Lanes without a row yet. The transaction is to be rolled back, and tried again after :func:`begin`."""

    def __init__(self, lanes: Collection[Lane]) -> None:
        super().__init__(lanes)
        self.lanes = lanes


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a minute may hold; None is no limit."""

    images: int | None = None
    tokens: int | None = None

    def holds(self, images: int, tokens: int) -> bool:
        return _within(images, self.images) and _within(tokens, self.tokens)


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """How far a row of jobs got.

    :param jobs: how many of them have room, counted from the first.
    :param spent: the slots with those.
    :param opens: the second from which the next one has room; None where all have.
    """

    jobs: int
    spent: tuple[Slot, ...]
    opens: int | None = None


def admit(spent: Iterable[Slot], limit: Limit, wanted: Sequence[tuple[int, int]], second: int) -> Admitted:
    """Fit jobs of (images, tokens) into the window that ends with this second, in their order.

    What is larger than a whole minute's worth has room in an empty window, or it would wait for ever.
    """
    live = [slot for slot in spent if slot[0] > second - KEPT]
    images, tokens = _sum(live)
    jobs = 0
    for more_images, more_tokens in wanted:
        if (images or tokens) and not limit.holds(images + more_images, tokens + more_tokens):
            break
        images, tokens, jobs = images + more_images, tokens + more_tokens, jobs + 1
    live = _added(live, second, wanted[:jobs])
    opens = None if jobs == len(wanted) else _opens(live, limit, wanted[jobs])
    return Admitted(jobs=jobs, spent=tuple(live), opens=opens)


def _added(live: list[Slot], second: int, taken: Sequence[tuple[int, int]]) -> list[Slot]:
    """The slots with these jobs in the last one. A clock that was set back counts on in the slot that is there."""
    if not taken:
        return live
    at = max(second, live[-1][0]) if live else second
    same = [slot for slot in live if slot[0] == at]
    images, tokens = _sum(same)
    new = (at, images + sum(row[0] for row in taken), tokens + sum(row[1] for row in taken))
    return [*live[: len(live) - len(same)], new]


def _opens(live: Sequence[Slot], limit: Limit, wanted: tuple[int, int]) -> int:
    """The second in which so many slots have left that this one fits; the last leaves the window empty."""
    for gone in range(1, len(live)):
        images, tokens = _sum(live[gone:])
        if limit.holds(images + wanted[0], tokens + wanted[1]):
            return live[gone - 1][0] + KEPT
    return live[-1][0] + KEPT


def _sum(slots: Sequence[Slot]) -> tuple[int, int]:
    return sum(slot[1] for slot in slots), sum(slot[2] for slot in slots)


def _within(value: int, most: int | None) -> bool:
    return most is None or value <= most


# What is limited ----------------------------------------------------------------------------------------------------


def limit_of(provider: str, model: str) -> Limit | None:
    """What ``RATE_LIMITS`` says of a model, else of its provider; None where it says nothing."""
    rows = conf().rate_limits
    row = rows.get(f"{provider}/{model}", rows.get(provider))
    if not row:
        return None
    return Limit(images=row.get("images_per_minute"), tokens=row.get("tokens_per_minute"))


def watched() -> frozenset[str]:
    """Providers whose windows can be shut: the limited, and all that charge. A free one costs no query."""
    limited = {name.partition("/")[0] for name in conf().rate_limits}
    return frozenset(alias for alias in conf().providers if alias in limited or not _repeatable(alias))


def _repeatable(alias: str) -> bool:
    try:
        return bool(configuration.provider(alias).repeatable)
    except configuration.ConfigurationError:
        return False


def shut(now: datetime) -> Q:
    """A condition on jobs: their window is shut now."""
    if not watched():
        return Q(pk__in=())
    return Q(Exists(RateWindow.objects.filter(provider=OuterRef("provider"), model=OuterRef("model"), open_at__gt=now)))


def shut_lanes(until: datetime) -> list[tuple[str, str, datetime]]:
    """Provider, model and the moment that opens it, of the windows that are shut for longer than ``until``."""
    if not watched():
        return []
    rows = RateWindow.objects.filter(open_at__gt=until).order_by("provider", "model")
    return list(rows.values_list("provider", "model", "open_at"))


def tokens_of(provider: str, request: PictureRequest) -> int:
    """The tokens that a request takes at most, in and out; 0 where nobody can count them."""
    spec = configuration.model(provider, request.model)
    if spec is None or spec.free:
        return 0
    try:
        tokens = count(
            spec,
            n=request.n,
            size=request.size,
            quality=request.quality,
            prompt=request.prompt,
            inputs=request.counted_inputs,
            fidelity=request.fidelity,
            partial_images=request.partial_images,
        )
    except Unsupported:
        return 0
    return (tokens.image_out + tokens.image_in + tokens.text_in).most


# The windows --------------------------------------------------------------------------------------------------------


def running_clock() -> Callable[[], datetime]:
    """The database's clock, asked once: it goes on without a query while somebody waits for a lock."""
    now, began = database_now(), time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)


def turned_away(rows: Sequence[Mapping[str, Any]], clock: Callable[[], datetime]) -> frozenset[UUID]:
    """Count jobs that were just leased, in their order; returns those that have no room and are to be put back.

    Two queries where any of the jobs is limited, else none. Call it in the transaction that leased them.

    :param rows: with ``pk``, ``provider``, ``model``, ``n`` and ``tokens``.
    :raises NoWindow: when a window has no row yet.
    """
    lanes: dict[Lane, list[Mapping[str, Any]]] = {}
    for row in rows:
        lane = (row["provider"], row["model"])
        if limit_of(*lane):
            lanes.setdefault(lane, []).append(row)
    if not lanes:
        return frozenset()
    windows, now = _locked(lanes), clock()
    away = {row["pk"] for window in windows for row in _enter(window, lanes[_lane(window)], now)}
    if not _written(windows):
        away.update(row["pk"] for jobs in lanes.values() for row in jobs)
    return frozenset(away)


def _enter(window: RateWindow, jobs: list[Mapping[str, Any]], now: datetime) -> list[Mapping[str, Any]]:
    """Change a window by the jobs that it has room for; returns the others."""
    limit = limit_of(*_lane(window))
    if limit is None or window.open_at > now:
        return jobs
    wanted = [(row["n"], row["tokens"]) for row in jobs]
    entered = admit([(s, i, t) for s, i, t in window.spent], limit, wanted, int(now.timestamp()))
    window.spent = [list(slot) for slot in entered.spent]
    if entered.opens is not None:
        window.open_at = datetime.fromtimestamp(entered.opens, UTC)
    return jobs[entered.jobs :]


def _locked(lanes: Collection[Lane]) -> list[RateWindow]:
    windows = list(_rows(lanes).select_for_update().order_by("pk"))
    if len(windows) < len(lanes):
        raise NoWindow(set(lanes) - {_lane(window) for window in windows})
    return windows


def _written(windows: list[RateWindow]) -> bool:
    """False where one of them was changed by somebody else: then nothing may be taken."""
    unchanged = Q()
    for window in windows:
        unchanged |= Q(pk=window.pk, version=window.version)
        window.version += 1
    rows = RateWindow.objects.filter(unchanged)
    return rows.bulk_update(windows, ["open_at", "spent", "version"]) == len(windows)


def close(provider: str, model: str, seconds: float) -> None:
    """Shut a window for all workers: the provider said that it has enough. Never opens one that is shut for longer."""
    if provider not in watched():
        return
    until = database_now() + timedelta(seconds=seconds)
    earlier = RateWindow.objects.filter(provider=provider, model=model, open_at__lt=until)
    if not earlier.update(open_at=until, version=F("version") + 1):
        begin([(provider, model)])
        earlier.update(open_at=until, version=F("version") + 1)


def begin(lanes: Collection[Lane]) -> None:
    """Make the rows of windows that have none. Not within a transaction that goes on: two of them could deadlock."""
    now = database_now()
    RateWindow.objects.bulk_create(
        [RateWindow(provider=provider, model=model, open_at=now) for provider, model in sorted(lanes)],
        ignore_conflicts=True,
    )


def _rows(lanes: Collection[Lane]) -> Any:
    found = Q()
    for provider, model in lanes:
        found |= Q(provider=provider, model=model)
    return RateWindow.objects.filter(found)


def _lane(window: RateWindow) -> Lane:
    return window.provider, window.model
