"""The studio inside Wagtail: ``"image_studio.contrib.wagtail"`` in INSTALLED_APPS, beside ``"image_studio"``."""
