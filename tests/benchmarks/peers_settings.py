"""The queue's settings, with django-tasks-db beside us where it is installed."""

from importlib.util import find_spec

from tests.benchmarks.queue_settings import *  # noqa: F403
from tests.benchmarks.queue_settings import IMAGE_STUDIO, INSTALLED_APPS

IMAGE_STUDIO = {**IMAGE_STUDIO, "DOORBELL": "notify", "MAX_CELLS": 1000}
if find_spec("django_tasks_db"):
    INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks", "django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
