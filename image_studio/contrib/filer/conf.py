"""The setting ``IMAGE_STUDIO_FILER``: a dict, read at use; unknown keys raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from image_studio.catalog.specs import names
from image_studio.conf import ConfigurationError
from image_studio.conf import conf as studio_conf
from image_studio.contrib.settings import read

SETTING = "IMAGE_STUDIO_FILER"
#: What becomes of a filer image whose picture was withdrawn.
DEEDS = ("fallback", "remove")
ANY = "*"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every key in lower case, with its default.

    :param folders: a brand's slug -> the path of the folder that its pictures go into, names parted by ``/``, where
        ``{brand}`` is the brand's name; empty publishes none of its pictures here. ``*`` is every other brand's.
    :param on_withdraw: ``fallback`` puts what the site chose into the image's place, and nothing that uses it breaks;
        ``remove`` deletes an image that nothing uses, and does the former for every other.
    :param picture: a key of ``IMAGE_STUDIO["PICTURES"]``: its fallback takes the place of withdrawn images.
    """

    folders: Mapping[str, str] = field(default_factory=lambda: {ANY: "Image studio/{brand}"})
    on_withdraw: str = "fallback"
    picture: str = "default"

    def path_of(self, slug: str, name: str) -> list[str]:
        """The names of a brand's folders, outermost first; none where its pictures do not go here."""
        path = self.folders.get(slug, self.folders.get(ANY, ""))
        return [part.strip().replace("{brand}", name.replace("/", " ")) for part in path.split("/") if part.strip()]


def conf() -> Settings:
    """:raises ConfigurationError: naming the key that does not hold."""
    found = read(SETTING, Settings)
    paths = found.folders.values() if isinstance(found.folders, Mapping) else [None]
    if not all(isinstance(path, str) for path in paths):
        raise ConfigurationError(f"{SETTING}['FOLDERS'] must be a dict of a brand's slug and a folder's path.")
    if found.on_withdraw not in DEEDS:
        raise ConfigurationError(f"{SETTING}['ON_WITHDRAW'] must be one of {names(DEEDS)}.")
    studio_conf().picture(found.picture)
    return found
