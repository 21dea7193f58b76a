"""Published pictures on django CMS pages: ``"image_studio.contrib.djangocms"`` in INSTALLED_APPS."""
