"""Write anew which pages use which pictures: once, where the app comes to a site that has pages already."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand

from image_studio.contrib.wagtail import places, using


class Command(BaseCommand):
    """Reads every object whose StreamFields or drafts can have pictures."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for model in apps.get_models():
            if not places.takes_pictures(model) or model._meta.abstract:
                continue
            for row in model._default_manager.iterator(chunk_size=200):
                using.sync(row)
                if places.has_drafts(model):
                    using.sync_drafts(row)
                count += 1
        self.stdout.write(f"{count} objects read.")
