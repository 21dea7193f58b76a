"""Signals for the site. News is sent after the transaction committed, with ``send_robust``.

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

#: Places that showed one picture show another now. Arguments: ``asset``, ``successor``, and ``moved``, a tuple of
#: :class:`~image_studio.workflow.replacing.Moved`. An UPDATE changed the rows: nothing called their ``save()``.
asset_replaced = Signal()

#: A question, not news: who uses these pictures beside fields with ``is_studio_use``? Arguments: ``assets``, a set of
#: ids. A receiver answers ``{id: [Use, ...]}``; somebody waits for it, so it asks the database once for all of them.
asset_uses_wanted = Signal()

#: A question, not news: which places that are no fields would keep a picture when another takes its places? Arguments:
#: ``asset``, ``successor``. A receiver answers ``{Use: "why"}``, in words, for those of its uses that stay.
asset_stays_wanted = Signal()

#: A question, not news: may ``instance`` keep a picture that its stored row does not have? Asked by a field for what it
#: would refuse. Arguments: ``instance``, ``asset``. An app that keeps drafts answers True for what stands in one.
asset_kept_wanted = Signal()

#: A question, not news: which of these rows of a site's model show a picture of the studio, or what stands in for one?
#: Arguments: ``model``, ``keys``, a set of primary keys. A receiver answers ``{key: id of the picture}``; what it tells
#: is not adopted.
asset_shown_wanted = Signal()

#: A budget's soft limit was passed, once a period. Arguments: ``budget``.
budget_warned = Signal()
