"""Money in words, the same on every page."""

from __future__ import annotations

from django.utils.translation import gettext as _

from image_studio.catalog.pricing import Price


def price_words(price: Price) -> str:
    """What it may cost: ``about $0.21 (max $0.26)``, or the words for nothing and for not known."""
    if price.free:
        return _("free")
    if price.unknown:
        return _("price unknown")
    return _("about ${likely} (max ${most})").format(likely=dollars(price.likely), most=dollars(price.most))


def dollars(micro_usd: int) -> str:
    """An estimate's figure: cents, and more places where cents would say nothing."""
    whole = micro_usd / 1_000_000
    return f"{whole:,.2f}" if micro_usd >= 10_000 or not micro_usd else f"{whole:,.4f}".rstrip("0")
