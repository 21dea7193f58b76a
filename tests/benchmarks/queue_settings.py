"""The test site with a provider that answers at once, and a limit of it that never ends."""

from image_studio.testing import fake_settings
from tests.settings import *  # noqa: F403
from tests.settings import IMAGE_STUDIO

IMAGE_STUDIO = {
    **IMAGE_STUDIO,
    **fake_settings(),
    "DOORBELL": "poll",
    "BRAND_CHECKS": (),
    "RATE_LIMITS": {"fake": {"images_per_minute": 1_000_000}},
}
