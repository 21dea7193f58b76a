"""The admin, one module per page. Views are thin: what a person may say is in :mod:`image_studio.workflow`.

A site without ``django.contrib.admin`` may still import the checked file view from here.
"""

from django.apps import apps

if apps.is_installed("django.contrib.admin"):
    from image_studio.admin import (
        asset,
        brand,
        budget,
        chain,
        channel,
        event,
        job,
        ledger,
        prompt,
        recipe,
        replay,
        variant_set,
    )

    __all__ = [
        "asset",
        "brand",
        "budget",
        "chain",
        "channel",
        "event",
        "job",
        "ledger",
        "prompt",
        "recipe",
        "replay",
        "variant_set",
    ]
