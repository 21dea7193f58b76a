"""Colours as stored -> sRGB.

Only an ICC profile moves colours. A PNG's gAMA and cHRM are passed over: they are left behind by tools far more often
than they are meant, and a brand colour written as ``#rrggbb`` must come out as the same numbers.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

#: The red, green and blue of sRGB relative to D50, as every sRGB profile carries them (ICC, sRGB v2 profile).
_SRGB_COLORANTS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """A picture of mode ``L``, ``RGB``, ``RGBA`` or ``CMYK`` as sRGB of mode ``RGB`` or ``RGBA``. May reuse its pixels.

    Relative colorimetric with black point compensation, as browsers and editors do. A profile that is damaged or
    belongs to another kind of picture is passed over: the picture counts as sRGB, CMYK as the complement of RGB.
    """
    profile = _usable(icc, image.mode)
    if profile is None:
        return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")
    if image.mode == "L" and _space(profile) == "RGB":
        image = image.convert("RGB")
    target = image.mode if image.mode == "RGBA" else "RGB"
    try:
        transform = ImageCms.ImageCmsTransform(
            profile,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            image.mode,
            target,
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return transform.apply(image, image if image.mode == target else None)
    except (ValueError, OSError, ImageCms.PyCMSError):
        return image if image.mode == target else image.convert("RGB")


def _usable(icc: bytes, mode: str) -> ImageCms.ImageCmsProfile | None:
    """The profile where it can be read, fits the picture and is not sRGB itself."""
    if not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        wanted = {"RGB", "L"} if mode == "L" else {"RGB" if mode == "RGBA" else mode}
        return profile if _space(profile) in wanted and not _is_srgb(profile) else None
    except (ValueError, OSError, TypeError):
        return None


def _space(profile: ImageCms.ImageCmsProfile) -> str:
    return _SPACES.get(profile.profile.xcolor_space, "")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Named sRGB and with its primaries. The name alone vouches only for the tone curve; sparing the transform
    saves more time than decoding takes."""
    inside = profile.profile
    colorants = (inside.red_colorant, inside.green_colorant, inside.blue_colorant)
    if not (inside.profile_description or "").startswith("sRGB") or not all(colorants):
        return False
    found = np.array([colorant[0] for colorant in colorants if colorant])
    return bool(np.abs(found - _SRGB_COLORANTS).max() < 0.003)
