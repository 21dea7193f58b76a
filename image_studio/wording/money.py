"""Money in words, the same on every page."""

from __future__ import annotations

from django.utils.translation import gettext as _

from image_studio.catalog.pricing import Price


def price_words(price: Price) -> str:
    """What it may cost: ``about $0.21 (max $0.26)``, one figure where both are the same, or the words for nothing and
    for not known.
    """
    if price.free:
        return _("free")
    if price.unknown:
        return _("price unknown")
    likely, most = dollars(price.likely), dollars(price.most)
    if price.most > price.likely:
        most = most_dollars(price.most)
    if likely == most:
        return _("about ${likely}").format(likely=likely)
    return _("about ${likely} (max ${most})").format(likely=likely, most=most)


def most_dollars(micro_usd: int) -> str:
    """A limit's figure: rounded up, so that it is never passed by what it hides."""
    step = 10_000 if micro_usd >= 10_000 else 100
    return dollars(-(-micro_usd // step) * step)


def spent_words(micro_usd: int) -> str:
    """What was spent: ``$0.208``, or the word for nothing."""
    return f"${micro_usd / 1_000_000:,.3f}" if micro_usd else _("free")


def dollars(micro_usd: int) -> str:
    """An estimate's figure: cents, and more places where cents would say nothing."""
    whole = micro_usd / 1_000_000
    return f"{whole:,.2f}" if micro_usd >= 10_000 or not micro_usd else f"{whole:,.4f}".rstrip("0")
