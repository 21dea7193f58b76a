"""Behind the counter: who is let in, what is written down, and which answer goes out."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes import (
    openai_answers,
    openai_compatible,
    openai_errors,
    openai_faults,
    openai_ledger,
    openai_moderation,
    openai_pictures,
    openai_requests,
)
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_faults import FAULTS
from tests.fakes.openai_http import Handler
from tests.fakes.openai_models import MODELS
from tests.fakes.openai_requests import Order
from tests.fakes.openai_script import REFUSE, Script
from tests.fakes.openai_wire import Body, read_body

IMAGES = {"/images/generations": False, "/images/edits": True}
MODERATIONS = "/moderations"
Line = dict[str, Any]


class Desk:
    """Answers for one server.

    :param refuse: makes that nobody listens for a moment.
    :param url: of the server, for pictures that are answered by address.
    """

    def __init__(self, *, script: Script, ledger: Path, mode: str, url: str, refuse: Callable[[], None]) -> None:
        self.script, self.ledger, self.mode, self.url, self.refuse = script, ledger, mode, url, refuse
        self.pictures: dict[str, bytes] = {}

    # --- GET

    def get(self, handler: Handler) -> None:
        path = handler.path.partition("?")[0]
        if path.startswith("/_pictures/"):
            data = self.pictures.get(path.rpartition("/")[2])
            handler.reply(200 if data else 404, data or b"", content_type="image/png")
            return
        try:
            self._admit(handler.key)
            handler.reply(200, json.dumps(self._models(_route(path)[0])).encode())
        except Problem as problem:
            handler.problem(problem)

    def _models(self, path: str) -> dict[str, Any]:
        today, unlisted = self.script.today, self.script.unlisted
        live = {name: model for name, model in MODELS.items() if model.alive(today) and name not in unlisted}
        if path == "/models":
            return {"object": "list", "data": [model.listed() for model in live.values()]}
        name = path.removeprefix("/models/")
        if name not in live:
            raise openai_errors.no_model(name) if path.startswith("/models/") else openai_errors.no_such(path)
        return live[name].listed()

    # --- POST

    def post(self, handler: Handler, content: bytes) -> None:
        """Judge, write the line, and only then answer."""
        path, azure = _route(handler.path.partition("?")[0])
        line = self._line(handler, path)
        try:
            self._admit(handler.key)
            if path != MODERATIONS and path not in IMAGES:
                raise openai_errors.no_such(path)
            body = read_body(handler.headers.get("content-type", ""), content)
            line |= {"params": _told(body), "model": str(body.fields.get("model", ""))}
            if path == MODERATIONS:
                answer = self._moderate(handler, body, line)
            else:
                answer = self._make(handler, self._order(handler, body, IMAGES[path], azure), line)
        except Problem as problem:
            self._note(line, status=problem.status, code=problem.body["code"])
            if not self._pause(handler, line):
                handler.problem(problem)
        else:
            answer()

    def _line(self, handler: Handler, path: str) -> Line:
        """What is known of any POST; the word for it is taken here, whatever becomes of it."""
        known = path in IMAGES or path == MODERATIONS
        return {
            "at": time.time(),
            "path": handler.path,
            "model": "",
            "charged": False,
            "micro_usd": 0,
            "pictures": 0,
            "request_id": handler.request_id,
            "fault": "",
            "status": 200,
            "params": {},
            "_word": self.script.word(images=path in IMAGES) if known else "ok",
            "_refusing": path in IMAGES and self.script.refusing(),
        }

    def _order(self, handler: Handler, body: Body, edit: bool, azure: bool) -> Order:
        if self.mode == "compatible":
            return openai_compatible.check(body, edit=edit)
        deployments = self.script.deployments if azure else None
        order = openai_requests.check(body, edit=edit, today=self.script.today, deployments=deployments)
        if handler.key == "sk-unverified":
            raise openai_errors.unverified(order.model.id)
        return order

    def _make(self, handler: Handler, order: Order, line: Line) -> Callable[[], None]:
        fault = self._fault(order, line)
        order = openai_faults.ordered(order, fault)
        flagged = openai_moderation.flags(order.prompt)
        if flagged and not fault:
            raise openai_errors.blocked("input", flagged, handler.request_id)
        count = max(1, order.n + openai_faults.SURPLUS.get(fault, 0))
        bill = openai_answers.bill(order, count)
        if not fault or fault == REFUSE or FAULTS[fault].charged:
            line |= {"charged": True, "pictures": count, "micro_usd": bill.micro_usd, "usage": bill.usage}
        if fault in openai_faults.ERRORS:
            raise openai_faults.ERRORS[fault](order, handler.request_id, self.script.retry_after)
        self._note(line)
        return lambda: self._answer(handler, order, line, count, bill.usage)

    @staticmethod
    def _fault(order: Order, line: Line) -> str:
        """The fault to play, by the marker in the prompt before the script."""
        marked = re.search(r"\[fault:(\w+)\]", order.prompt)
        fault: str = marked[1] if marked else line["_word"]
        if fault not in {"ok", *FAULTS}:
            raise Problem(f"This fake has no fault '{fault}'.", param="prompt")
        line["fault"] = "" if fault == "ok" else fault
        line["_refusing"] = line["_refusing"] or fault == REFUSE
        return line["fault"]

    def _answer(self, handler: Handler, order: Order, line: Line, count: int, usage: dict[str, Any]) -> None:
        pictures = [openai_pictures.make(order, index) for index in range(count)]
        answer = openai_answers.whole(order, pictures, usage)
        if line["fault"] in openai_faults.ANSWERS:
            answer = openai_faults.ANSWERS[line["fault"]](order, answer)
        if order.by_url:
            answer = self.by_url(order, answer)
        if self._pause(handler, line, streamed=order.stream):
            return
        play = openai_faults.WIRE.get(line["fault"])
        if play is None:
            handler.answer(order, answer)
        else:
            play(handler, order, answer)

    def _moderate(self, handler: Handler, body: Body, line: Line) -> Callable[[], None]:
        word = line["_word"]
        line["fault"] = "" if word == "ok" else word
        result = openai_moderation.moderate(body, handler.request_id)
        order = Order(edit=False, model=MODELS["gpt-image-2"], prompt="", size=(16, 16))
        if word in openai_faults.ERRORS:
            raise openai_faults.ERRORS[word](order, handler.request_id, self.script.retry_after)
        self._note(line)

        def answer() -> None:
            if self._pause(handler, line):
                return
            if word in openai_faults.WIRE:
                openai_faults.WIRE[word](handler, order, result)
            else:
                handler.reply(200, json.dumps(result).encode())

        return answer

    def _note(self, line: Line, **more: Any) -> None:
        shown = {name: value for name, value in line.items() if not name.startswith("_")}
        openai_ledger.append(self.ledger, {**shown, **more})

    def _pause(self, handler: Handler, line: Line, *, streamed: bool = False) -> bool:
        """The time the work takes; true when nobody waits for it any more."""
        gone = bool(self.script.latency) and not streamed and handler.wait(self.script.latency)
        if line["_refusing"]:
            handler.close_connection = True
            self.refuse()
        return gone

    def _admit(self, key: str) -> None:
        if not key:
            raise openai_errors.no_key()
        if key == "sk-wrong":
            raise openai_errors.wrong_key()
        if key == "sk-broke":
            raise openai_errors.quota()

    def headers(self, request_id: str) -> dict[str, str]:
        """What every answer carries."""
        if self.mode == "compatible":
            return {}
        return {
            "x-request-id": request_id,
            "openai-version": "2020-10-01",
            "openai-processing-ms": "12",
            "x-ratelimit-limit-requests": "250",
            "x-ratelimit-remaining-requests": "249",
            "x-ratelimit-reset-requests": "240ms",
            "x-ratelimit-limit-tokens": "8000000",
            "x-ratelimit-remaining-tokens": "7990000",
            "x-ratelimit-reset-tokens": "75ms",
        }

    def by_url(self, order: Order, answer: dict[str, Any]) -> dict[str, Any]:
        """The same answer with addresses of this server for pictures, where there are pictures."""
        if not answer["data"]:
            return answer
        return answer | {"data": [self._published(order, row) for row in answer["data"]]}

    def _published(self, order: Order, row: dict[str, Any]) -> dict[str, Any]:
        try:
            data = base64.b64decode(row["b64_json"], validate=True)
        except (KeyError, binascii.Error):
            return row
        name = f"{uuid.uuid4().hex}.{order.output_format}"
        self.pictures[name] = data
        return {"url": f"{self.url}/_pictures/{name}"}


def _route(path: str) -> tuple[str, bool]:
    """The path under v1, and whether it is Azure's."""
    for prefix, azure in (("/openai/v1/", True), ("/v1/", False)):
        if path.startswith(prefix):
            return path[len(prefix) - 1 :], azure
    return path, False


def _told(body: Body) -> dict[str, Any]:
    """The parameters as the ledger shows them: no picture, but what it was."""
    fields = {name: value for name, value in body.fields.items() if name not in {"images", "mask", "input"}}
    return fields | ({"files": [upload.told() for upload in body.uploads]} if body.uploads else {})
