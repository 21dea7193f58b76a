"""Fields for any model of any site. Stands outside the layers: may import all, nobody imports it.

The form side, for a site's own forms, is :mod:`image_studio.fields.forms`.
"""

from image_studio.fields.foreign_key import AssetForeignKey

__all__ = ["AssetForeignKey"]
