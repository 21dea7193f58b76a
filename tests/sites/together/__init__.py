"""A site with django CMS, filer and Wagtail, and the studio in all three."""
