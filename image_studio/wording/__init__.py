"""Codes to words. The pixel and brand layers return codes and parameters; here they become sentences.

Each module holds one dictionary ``WORDS``: code -> lazily translated text with ``{name}`` places. A sentence
says what is wrong and what to do next. A code without words is a defect, and a test finds it.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from image_studio.exceptions import StudioError
from image_studio.wording import (
    admin,
    api,
    archives,
    brand,
    catalog,
    compose,
    edits,
    generate,
    health,
    imaging,
    ledger,
    library,
    lifecycle,
    moderation,
    openai,
    providers,
    runner,
    site,
    usage,
    work,
)

WORDS: dict[str, Any] = {
    **imaging.WORDS,
    **compose.WORDS,
    **brand.WORDS,
    **catalog.WORDS,
    **providers.WORDS,
    **openai.WORDS,
    **moderation.WORDS,
    **runner.WORDS,
    **site.WORDS,
    **work.WORDS,
    **edits.WORDS,
    **generate.WORDS,
    **admin.WORDS,
    **api.WORDS,
    **archives.WORDS,
    **library.WORDS,
    **lifecycle.WORDS,
    **usage.WORDS,
    **ledger.WORDS,
    **health.WORDS,
}


class _Lenient(string.Formatter):
    """A missing parameter shows as its name: an old row must never break a page."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        if isinstance(key, str):
            return kwargs.get(key, "{" + key + "}")
        return super().get_value(key, args, kwargs)


def explain(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code in the active language; the code itself where it has no words.

    A refusal whose ``params`` have ``can``, the routes that could, names them in a second sentence. With
    ``answered_by``, the alias of a provider, what is wrong with a picture is that provider's doing, and nobody here can
    export it again.
    """
    words = WORDS.get(code)
    if words is None:
        return code
    given = dict(params or {})
    if given.get("answered_by"):
        words, given = WORDS["answer.refused"], {**given, "code": code}
    said = _Lenient().vformat(str(words), (), given)
    return f"{said} {_Lenient().vformat(str(WORDS['route.can']), (), given)}" if given.get("can") else said


def explain_error(error: StudioError) -> str:
    """The sentence of an error."""
    return explain(error.code, error.params)
