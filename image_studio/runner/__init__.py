"""The worker side: takes jobs from their rows, buys or makes the pictures, and writes down what came of it."""

from image_studio.runner.draining import drain

__all__ = ["drain"]
