"""Published pictures in filer's folders: ``"image_studio.contrib.filer"`` in INSTALLED_APPS."""
