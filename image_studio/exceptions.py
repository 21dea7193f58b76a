"""Every error the package raises on purpose. Django-free: an error is a code and its parameters.

The words are added by :mod:`image_studio.wording`, so that the same error reads well in a form, in a JSON
line and in a log. Each error has two parents: :class:`StudioError` and a class of the standard library, so
``except ValueError`` works for people who do not know this package.

``fault`` says whose move is next: ``caller`` (mend the input), ``operator`` (mend the site), ``provider``
(wait, or choose another), ``studio`` (a defect of this package).
"""

from __future__ import annotations

from typing import Any, ClassVar


class StudioError(Exception):
    """Root of the package's errors.

    :param code: stable, machine-readable, for example ``"image.too_large"``; every code has its words in
        :mod:`image_studio.wording` (a test holds the two together).
    :param params: JSON-serialisable values that the words are filled with.
    """

    fault: ClassVar[str] = "caller"
    #: The HTTP status that says it best, for pages and API alike.
    http_status: ClassVar[int] = 400

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.code}({inside})" if inside else self.code


class ImageRefused(StudioError, ValueError):
    """The bytes are no picture that we take, or more of one than we take."""


class Unsupported(StudioError, ValueError):
    """A request asks for what its provider, model or channel cannot do. Raised before any spend."""


class InvalidKit(StudioError, ValueError):
    """A brand kit, or a ``brand.toml``, that does not hold together."""


class LayoutImpossible(StudioError, ValueError):
    """A logo or a line that cannot be placed exactly as the kit demands."""


class InvalidRequest(StudioError, ValueError):
    """What was asked for does not exist or does not fit together: an unknown channel, a missing variable."""


class NotAllowed(StudioError, PermissionError):
    """The person may not do this verb on this object."""

    http_status = 403


class Conflict(StudioError, RuntimeError):
    """The object is not in a state that allows the verb, or changed in between."""

    http_status = 409


class StorageFailed(StudioError, OSError):
    """A file could not be written or read: a full disk, a missing file, a wrong sum."""

    fault = "operator"
    http_status = 503


class ProviderError(StudioError, RuntimeError):
    """Root of what can go wrong while a picture is bought."""

    fault = "provider"
    http_status = 502


class ProviderRefused(ProviderError):
    """The provider answered no, and will again: mend the request or the settings. Nothing was charged."""


class ProviderUnavailable(ProviderError):
    """The request never reached the provider, or was turned away before work: safe to send again.

    :param retry_after: seconds to wait, where the provider said so.
    """


class OutcomeUnknown(ProviderError):
    """The request was sent and no answer can be trusted: it may have been charged. Never resent by itself."""
