"""An image studio for Django: versioned prompts, brand-safe variants, review and publishing."""

__version__ = "0.1.0.dev0"
