"""Prompts, their versions and labels."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import prompt_rows as rows
from image_studio.api.base import StudioView
from image_studio.api.filters import Slug, StudioFilters, yes_no
from image_studio.api.operations import operation
from image_studio.exceptions import InvalidRequest
from image_studio.models import Prompt, PromptVersion
from image_studio.workflow import add_version, edit_prompt, fill_prompt, save_prompt


class PromptFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")
    slug = Slug("slug", about="A prompt's slug.")
    archived = yes_no("Whether it is put away.", method="by_archive")

    def by_archive(self, found: QuerySet[Prompt], _name: str, value: str) -> QuerySet[Prompt]:
        return found.filter(archived=value == "true")


def version_of(prompt: Prompt, *, number: int | None = None, label: str | None = None) -> PromptVersion:
    """A version by its number or label; without either, what ``live`` points at, else the newest.

    :raises InvalidRequest: ``prompt.unknown_version``, ``prompt.unknown_label``: never another one in its place.
    """
    if label is not None and label not in prompt.labels:
        known = ", ".join(sorted(prompt.labels))
        raise InvalidRequest("prompt.unknown_label", prompt=prompt.name, label=label, known=known)
    found = prompt.version(label or "") if number is None else prompt.versions.filter(number=number).first()
    if found is None:
        raise InvalidRequest("prompt.unknown_version", prompt=prompt.name, version=number or label or "live")
    return found


class PromptView(StudioView):
    """What the addresses of prompts share."""

    tag = "prompts"

    def prompt(self, pk: UUID) -> Prompt:
        """:raises Http404: as :meth:`~image_studio.api.base.StudioView.found`."""
        found: Prompt = self.found(Prompt.objects.select_related("brand__revision"), pk=pk)
        return found

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """:class:`~image_studio.api.prompt_rows.PromptRow` of a prompt's columns."""
        plain = {name: row[name] for name in rows.PLAIN}
        return {**plain, "url": self.address("prompt-detail", row["id"]), "brand": row["brand__slug"]}

    def detail(self, prompt: Prompt) -> dict[str, Any]:
        """The prompt as JSON, with its newest words and what this person may do."""
        newest = prompt.versions.values(*rows.VERSION_FIELDS).first()
        named = {name: getattr(prompt, name) for name in rows.PLAIN}
        return {
            **self.row({**named, "brand__slug": prompt.brand.slug}),
            "newest": rows.version_row(newest) if newest else None,
            "actions": sorted(v for v in ("write_prompt", "generate") if self.policy.can(v, prompt)),
        }


class PromptList(PromptView):
    """The prompts of your brands."""

    filters: ClassVar[Any] = PromptFilters

    @operation(
        "listPrompts",
        "List prompts",
        description="Of all brands that you are in, newest first.",
        listed=rows.PromptRow,
        parameters=PromptFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        return self.listed(request, self.policy.visible(Prompt.objects.all()), self.row, rows.FIELDS)

    @operation(
        "createPrompt",
        "Write a prompt",
        body=rows.NewPrompt,
        answers={201: rows.PromptDetail},
        errors=(403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        said = self.body(rows.NewPrompt)
        brand = self.brand(said.pop("brand"), "write_prompt")
        version = save_prompt(self.policy, brand, **{"name": "", **said})
        version.prompt.brand = brand
        body = self.detail(version.prompt)
        return Response(body, status=201, headers={"Location": body["url"]})


class PromptDetails(PromptView):
    """One prompt."""

    @operation("getPrompt", "Look at a prompt", answers={200: rows.PromptDetail})
    def get(self, request: Request, prompt_id: UUID) -> Response:
        return Response(self.detail(self.prompt(prompt_id)))

    @operation(
        "changePrompt",
        "Rename, label or archive a prompt",
        description="Its words change by a new version.",
        body=rows.PromptChange,
        answers={200: rows.PromptDetail},
        errors=(403, 409),
    )
    def patch(self, request: Request, prompt_id: UUID) -> Response:
        prompt = self.prompt(prompt_id)
        said = self.body(rows.PromptChange, partial=True)
        self.policy.require("write_prompt", prompt)
        if said:
            edit_prompt(self.policy, prompt, **said)
        return Response(self.detail(prompt))


class PromptVersions(PromptView):
    """The words of a prompt, newest first."""

    @operation("listPromptVersions", "List the versions of a prompt", listed=rows.PromptVersionRow)
    def get(self, request: Request, prompt_id: UUID) -> Response:
        found = self.prompt(prompt_id).versions.all()
        return self.listed(request, found, rows.version_row, rows.VERSION_FIELDS, order=("-number",))

    @operation(
        "addPromptVersion",
        "Give a prompt new words",
        description="Unchanged words make no version and answer 200 with the one that has them.",
        body=rows.NewVersion,
        answers={200: rows.PromptVersionRow, 201: rows.PromptVersionRow},
        errors=(403,),
    )
    def post(self, request: Request, prompt_id: UUID) -> Response:
        prompt = self.prompt(prompt_id)
        version, new = add_version(self.policy, prompt, **self.body(rows.NewVersion))
        body = rows.version_row({name: getattr(version, name) for name in rows.VERSION_FIELDS})
        headers = {"Location": self.address("prompt-versions", prompt.pk)} if new else {}
        return Response(body, status=201 if new else 200, headers=headers)


class PromptPreview(PromptView):
    """A prompt with its places filled."""

    @operation(
        "previewPrompt",
        "Try a prompt with values",
        description="Nothing is written or spent. Without a version or label: `live`, else the newest.",
        body=rows.PromptFill,
        optional=True,
        answers={200: rows.FilledPrompt},
        errors=(403,),
    )
    def post(self, request: Request, prompt_id: UUID) -> Response:
        prompt = self.prompt(prompt_id)
        said = self.body(rows.PromptFill, optional=True)
        version = version_of(prompt, number=said.get("version"), label=said.get("label"))
        version.prompt = prompt
        filled = fill_prompt(self.policy, version, said.get("variables", {}))
        findings = [rows.finding_row(finding) for finding in filled.findings]
        return Response({"text": filled.text, "version": version.number, "findings": findings})
