"""What the tests of orders and jobs share: small channels, a matrix as a client sends it, and a key for each order."""

from __future__ import annotations

import itertools

from tests import factories

_keys = itertools.count(1)
#: Everything a member could forge: a well-formed id that is nobody's.
NOWHERE = "01890000-0000-7000-8000-000000000000"


def small_channels(*slugs):
    """Channels at a sixth of their size: the same ratios, a thirtieth of the pixels."""
    channels = factories.make_channels(*(slugs or ("square", "story")))
    for channel in channels:
        if channel.width > 400:
            channel.width, channel.height = channel.width // 6, channel.height // 6
            channel.save()
    return channels


def matrix(brand, **changes):
    """A body for ``variant-sets/``: one prompt, two channels, two languages. None takes a key out."""
    small_channels()
    body = {
        "brand": brand.slug,
        "route": "placeholder",
        "channels": ["square", "story"],
        "locales": ["en", "ar"],
        **changes,
    }
    if "prompt" not in body and "source" not in body:
        body["prompt"] = str(factories.make_prompt(brand).prompt_id)
    return {name: value for name, value in body.items() if value is not None}


def fresh_key():
    """A key that no order had."""
    return f"key-{next(_keys)}"


def order(client, body, *, key="", status=202):
    """The answer to an order."""
    return client.ask("POST", "variant-sets/", body, status=status, idempotency_key=key or fresh_key())
