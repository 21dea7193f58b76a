"""The demo: a brand as a folder, a picture that it draws, and the command that runs the main job."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "demo"
