"""Pixels in, pixels out. Knows no Django, no ORM and no network."""
