"""A site that sells GPT Image: routes with real models and prices, and no call that is ever made."""

from __future__ import annotations

from typing import Any

from PIL import Image

from tests import factories

OPENAI = {
    "BACKEND": "image_studio.providers.openai",
    "OPTIONS": {"api_key": "sk-nobody", "base_url": "http://x.invalid"},
}


def paid_settings(**changes: Any) -> dict[str, Any]:
    """Rows for ``IMAGE_STUDIO``: the shipped routes, one that reads markups, and one that asks for too much."""
    rows: dict[str, Any] = {
        "DOORBELL": "poll",
        "PIXEL_THREADS": 1,
        "PROVIDERS": {"previs": {"BACKEND": "image_studio.providers.previs"}, "openai": OPENAI},
        "ROUTES": {
            "hinted": {"title": "Hinted", "provider": "openai", "model": "gpt-image-2.5-sunburst", "quality": "low"},
            "planned": {"title": "Planned", "provider": "openai", "model": "gpt-image-2.6-flare", "quality": "low"},
            "greedy": {"title": "Greedy", "provider": "openai", "model": "gpt-image-2", "quality": "xhigh"},
        },
    }
    return {**rows, **changes}


def cut_out(brand: Any, size: tuple[int, int] = (64, 48), **fields: Any) -> Any:
    """A picture with transparency, as a mask is."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    return factories.make_asset(
        brand, image=image.convert("RGB"), data=factories.encoded(image), format="png", has_alpha=True, **fields
    )
