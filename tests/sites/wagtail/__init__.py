"""A real Wagtail site with the studio inside it."""
