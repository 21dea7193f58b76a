"""Signals for the site. All are sent after the transaction committed, with ``send_robust``.

A receiver that raises is logged and never undoes what happened.
"""

from django.dispatch import Signal

#: An asset's public files are ready. Arguments: ``asset``.
asset_published = Signal()

#: An asset's public files are gone. Arguments: ``asset``.
asset_withdrawn = Signal()

#: A person approved or rejected. Arguments: ``asset``, ``review``.
asset_reviewed = Signal()

#: Every cell of a set came to an end. Arguments: ``variant_set``.
set_finished = Signal()
