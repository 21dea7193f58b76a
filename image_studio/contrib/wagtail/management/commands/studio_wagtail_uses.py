"""Write anew which pages use which pictures: once, where the app comes to a site that has pages already."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand

from image_studio.contrib.wagtail import using


class Command(BaseCommand):
    """Reads every object that has a StreamField for pictures, and its newest draft."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for model in apps.get_models():
            if not using.fields_of(model) or model._meta.abstract:
                continue
            for row in model._default_manager.iterator(chunk_size=200):
                using.sync(row)
                newest = row.get_latest_revision() if hasattr(row, "get_latest_revision") else None
                if newest is not None:
                    using.sync_draft(newest.as_object())
                count += 1
        self.stdout.write(f"{count} objects read.")
