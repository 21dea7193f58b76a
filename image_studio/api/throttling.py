"""How often a person may ask, by scopes of our own that the site's throttle rates never reach."""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from rest_framework.throttling import BaseThrottle

from image_studio.conf import API_RATES, ConfigurationError, conf

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def rate_of(scope: str) -> tuple[int, int] | None:
    """Requests and the seconds they are counted over; None where nothing limits.

    :raises ConfigurationError: for a rate that is none.
    """
    rate = conf().api_rates.get(scope, API_RATES[scope])
    if not rate:
        return None
    number, _slash, period = rate.partition("/")
    try:
        return int(number), SECONDS[period[0]]
    except (ValueError, KeyError, IndexError):
        raise ConfigurationError(
            f"IMAGE_STUDIO['API_RATES'][{scope!r}] is {rate!r}; write 60/min, or '' for no limit."
        ) from None


class Throttle(BaseThrottle):
    """A counter a person (or an address), a scope and a window: one ``incr``, however many requests there were."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """Whether this one is within the view's ``scope``."""
        rate = rate_of(view.scope)
        if rate is None:
            return True
        most, seconds = rate
        window, self.into = divmod(time.time(), seconds)
        self.seconds = seconds
        who = request.user.pk if getattr(request.user, "is_authenticated", False) else self.get_ident(request)
        key = f"image_studio:rate:{view.scope}:{_short(who)}:{window:.0f}"
        return self._count(key, seconds) <= most

    def _count(self, key: str, seconds: int) -> int:
        if cache.add(key, 1, seconds):
            return 1
        try:
            return int(cache.incr(key))
        except ValueError:  # it ended in between, or the site's cache keeps nothing
            return 1

    def wait(self) -> float:
        """Seconds until the next window."""
        return self.seconds - self.into


def _short(who: Any) -> str:
    """What a client can say of itself must fit a cache's key."""
    return "".join(letter for letter in str(who)[:80] if letter.isalnum() or letter in ".:,-")
