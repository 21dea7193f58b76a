"""The test site with GPT Image; the address and the key are given by who measures."""

from tests.settings import *  # noqa: F403
from tests.settings import IMAGE_STUDIO

IMAGE_STUDIO = {**IMAGE_STUDIO, "PROVIDERS": {"openai": {"BACKEND": "image_studio.providers.openai"}}}
