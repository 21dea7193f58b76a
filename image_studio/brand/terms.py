"""Finding a term in a text the way a reader would: whatever the case, the accents or the invisible characters.

Both sides are folded: NFKC, case folding, marks of Latin, Greek, Cyrillic, Hebrew and Arabic script dropped (Indic,
Thai and kana marks are letters and stay), tatweel and every format character (zero-width space and joiners, soft
hyphen, directional marks) dropped, Arabic letter forms unified as Lucene's ArabicNormalizer does, look-alike Cyrillic
and Greek letters inside a Latin word read as Latin.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from image_studio.brand.parts import Term

_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_LETTERS = str.maketrans(
    {
        **dict(zip("øłđıħŧðŋ", "oldihtdn", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        **dict(zip("\u0671\u0649\u06cc\u06a9\u0629", "\u0627\u064a\u064a\u0643\u0647", strict=True)),
        "_": " ",
        **dict.fromkeys("\u2018\u2019\u02bc", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    }
)
# Unicode's confusables.txt (UTS 39), the lower-case letters that pass for one Latin letter
_CYRILLIC = dict(zip("авеіјкмнорсѕтухһԁԛԝёґ", "abeijkmhopcstyxhdqweg", strict=True))
_GREEK = dict(zip("αβγειικνορτυχω", "abyeiiknoptuxw", strict=True))
_LOOKALIKES = str.maketrans({**_CYRILLIC, **_GREEK})
_WORD = re.compile(r"\w+")
_LATIN = re.compile("[a-z]")
_OTHER = re.compile("[\u0370-\u052f]")
_ARABIC = re.compile("[\u0600-\u06ff]")
# Scripts that are written without spaces between words
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
# What Arabic writes joined to the next word: and, so; with, like, for; the
_CLITICS = "(?:[\u0648\u0641]?(?:[\u0628\u0643]?\u0627\u0644|\u0644\u0644|[\u0628\u0643\u0644])?)"


@lru_cache(maxsize=256)
def fold(text: str) -> str:
    """A text as it is compared."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    visible = "".join(char for char in _MARKS.sub("", plain) if unicodedata.category(char) != "Cf")
    letters = unicodedata.normalize("NFC", visible).translate(_LETTERS)
    return _WORD.sub(_one_script, letters)


def stands_in(term: Term, text: str) -> bool:
    """Whether a term stands in a text as a whole word or phrase, outside the phrases in which it is allowed."""
    folded = fold(text)
    allowed = [span for phrase in term.allow for span in _spans(phrase, folded)]
    return any(
        not any(low <= start and end <= high for low, high in allowed) for start, end in _spans(term.text, folded)
    )


def speaks(wanted: str, locale: str) -> bool:
    """Whether a rule for ``wanted`` holds in ``locale``: ``ar`` in ``ar-SA`` too, ``ar-SA`` not in ``ar``."""
    rule, here = wanted.lower(), locale.lower()
    return not rule or here == rule or here.startswith(rule + "-")


def _one_script(match: re.Match[str]) -> str:
    word = match[0]
    mixed = _LATIN.search(word) and _OTHER.search(word)
    return word.translate(_LOOKALIKES) if mixed else word


def _spans(phrase: str, folded: str) -> Iterator[tuple[int, int]]:
    for match in _pattern(phrase).finditer(folded):
        if _UNSPACED.search(match[0]) or _whole(folded, *match.span()):
            yield match.span()


def _whole(text: str, start: int, end: int) -> bool:
    r"""Whether a word neither begins before nor goes on after. Not ``\b``: it takes an Indic vowel sign for an end."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_in_word(text[start]) and _in_word(before)) and not (_in_word(text[end - 1]) and _in_word(after))


def _in_word(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] in "LMN"


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> re.Pattern[str]:
    """Any space or hyphen between two words stands for any other. Nothing matches an empty phrase."""
    folded = fold(phrase).strip()
    if not folded:
        return re.compile(r"(?!)")
    parts = [re.escape(part) for part in re.split(r"[\s\-]+", folded) if part]
    body = r"[\s\-]+".join(parts) or re.escape(folded)
    return re.compile(_CLITICS + body if _ARABIC.match(folded) else body)
