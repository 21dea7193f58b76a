"""Every code has its words, and the words fit the parameters."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import image_studio
from image_studio import exceptions
from image_studio.brand.checks import InvalidCheck
from image_studio.exceptions import StudioError
from image_studio.wording import WORDS, explain, explain_error

PACKAGE = Path(image_studio.__file__).parent
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)+")
ERRORS = {name for name, thing in vars(exceptions).items() if isinstance(thing, type)} | {InvalidCheck.__name__}
KEYWORDS = {"code", "fault", "error_code", "fault_code"}


def codes_in_the_source() -> Iterator[tuple[str, str]]:
    for path in PACKAGE.rglob("*.py"):
        if "migrations" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                for value in _candidates(node):
                    if isinstance(value, ast.Constant) and CODE.fullmatch(str(value.value)):
                        yield path.name, str(value.value)


def _candidates(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in ERRORS and node.args:
            yield node.args[0]
        yield from (word.value for word in node.keywords if word.arg in KEYWORDS)
    if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
        yield node.value.elts[0]


def test_every_code_has_words():
    found = set(codes_in_the_source())
    assert len(found) > 80
    assert not {(name, code) for name, code in found if code not in WORDS}


def test_words_are_sentences():
    for code, words in WORDS.items():
        text = str(words)
        assert text[0].isupper() or text.startswith(("{", "“", "brand.toml")), code
        assert text.rstrip()[-1] in ".?", code
        list(string.Formatter().parse(text))


def test_parameters_fill_the_words():
    error = StudioError("request.unknown_route", route="gold", known="reframe")
    assert explain_error(error) == "There is no route gold. There is: reframe."


def test_an_old_row_never_breaks_a_page():
    assert "{known}" in explain("request.unknown_route", {"route": "gold"})
    assert explain("nobody.knows", {"a": 1}) == "nobody.knows"
