"""Where pictures can stand in what Wagtail edits: StreamFields, fields that point at pictures, and rows edited inside.

A draft is JSON: what a field of it points at, the database does not know. Of a stored row the field tells by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any
from uuid import UUID

from django.apps import apps
from modelcluster.fields import ParentalKey
from modelcluster.models import get_all_child_relations
from wagtail.blocks import Block, ChooserBlock
from wagtail.fields import StreamField
from wagtail.models import RevisionMixin

from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.workflow.replacing import why_not
from image_studio.workflow.usage import judge_choice


def fields_of(model: Any) -> tuple[str, ...]:
    """The StreamFields of a model in which pictures can stand."""
    return _fields_of(model)


@cache
def _fields_of(model: Any) -> tuple[str, ...]:
    found = (field for field in model._meta.get_fields() if isinstance(field, StreamField))
    return tuple(field.name for field in found if next(_choosers(field.stream_block), None) is not None)


def _choosers(block: Block, seen: frozenset[int] = frozenset()) -> Iterator[Any]:
    """The blocks that hold a picture, at any depth; a block may hold itself."""
    if id(block) in seen:
        return
    if isinstance(block, ChooserBlock):
        if _is_chooser(block):
            yield block
        return
    for one in (*getattr(block, "child_blocks", {}).values(), getattr(block, "child_block", None)):
        if one is not None:
            yield from _choosers(one, seen | {id(block)})


def _is_chooser(block: Any) -> bool:
    return isinstance(block, ChooserBlock) and block.model_class is Asset


def keys_of(model: Any) -> tuple[Any, ...]:
    """The fields of a model that point at pictures and say so (``is_studio_use``)."""
    return tuple(field for field in model._meta.concrete_fields if getattr(field, "is_studio_use", False))


def children_of(model: Any) -> tuple[tuple[str, Any], ...]:
    """The relations with which pictures are edited inside an object (an InlinePanel): name and model."""
    return _children_of(model)


@cache
def _children_of(model: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(_children(model, frozenset({model})))


def _children(model: Any, seen: frozenset[Any]) -> Iterator[tuple[str, Any]]:
    for relation in get_all_child_relations(model):
        child = relation.related_model
        inside = fields_of(child) or keys_of(child)
        if inside or (child not in seen and any(_children(child, seen | {child}))):
            yield relation.get_accessor_name(), child


def parental_of(model: Any) -> Any:
    """The field of a row that is edited inside another object; None for any other row."""
    return next((field for field in model._meta.concrete_fields if isinstance(field, ParentalKey)), None)


def has_drafts(model: Any) -> bool:
    return issubclass(model, RevisionMixin)


def takes_pictures(model: Any) -> bool:
    """Whether rows are kept for a model: what the database knows of any other model is enough."""
    return bool(fields_of(model) or (has_drafts(model) and (keys_of(model) or children_of(model))))


def columns_of(model: Any) -> set[str]:
    """The names by which ``save(update_fields=...)`` says that it writes pictures."""
    keys = keys_of(model) if has_drafts(model) else ()
    return {*fields_of(model), *(field.name for field in keys), *(field.attname for field in keys)}


def pictures_in(instance: Any) -> set[UUID]:
    """The ids of all pictures in an object as it is in memory."""
    return streamed_in(instance) | pointed_in(instance)


def streamed_in(instance: Any) -> set[UUID]:
    """Those in its own StreamFields."""
    model = type(instance)
    return set().union(*(_referenced(model, name, getattr(instance, name)) for name in fields_of(model)))


def pointed_in(instance: Any) -> set[UUID]:
    """Those that its fields point at, and all that rows edited inside it have; none for a model without drafts."""
    if not has_drafts(type(instance)):
        return set()
    return _pointed(instance).union(*(streamed_in(row) | _pointed(row) for row in rows_inside(instance)))


def _pointed(instance: Any) -> set[UUID]:
    return {getattr(instance, field.attname) for field in keys_of(type(instance))} - {None}


def rows_inside(instance: Any) -> Iterator[Any]:
    """The rows that are edited inside an object, at any depth."""
    for accessor, _child in children_of(type(instance)):
        for row in getattr(instance, accessor).all():
            yield row
            yield from rows_inside(row)


def drafted_in(model: Any, content: dict[str, Any]) -> set[UUID]:
    """The ids of all pictures in a revision's content: read as it lies there, since Wagtail makes no object of one that
    points at a deleted picture."""
    found = {UUID(str(key)) for field in keys_of(model) if (key := content.get(field.name))}
    for name in fields_of(model):
        found |= _referenced(model, name, model._meta.get_field(name).to_python(content.get(name) or ""))
    for accessor, child in children_of(model):
        for row in content.get(accessor) or ():
            found |= drafted_in(child, row)
    return found


def _referenced(model: Any, name: str, value: Any) -> set[UUID]:
    told = model._meta.get_field(name).extract_references(value) if value else ()
    return {UUID(key) for target, key, _model_path, _content_path in told if target is Asset}


def why_kept(model: Any, name: str, value: Any, asset: Asset, successor: Asset) -> StudioError | None:
    """What keeps a picture out of a StreamField in another's place: a block that has that one, and would not take it
    from a person. What other blocks would say matters to nobody.

    :param value: of the field.
    """
    return next((why for block in _holding(model, name, value, asset) if (why := _why_block(block, successor))), None)


def _why_block(block: Any, successor: Asset) -> StudioError | None:
    try:
        judge_choice(successor, brand=getattr(block, "brand", ""), channel=getattr(block, "channel", ""))
    except StudioError as error:
        return error
    return None


def anywhere_kept(successor: Asset) -> bool:
    """Whether any block or field of the site would not take a picture. On most sites all take whatever is out, and then
    no page need be looked at."""
    for model in apps.get_models():
        streams: Iterator[Any] = (model._meta.get_field(name) for name in fields_of(model))
        blocks = chain.from_iterable(_choosers(stream.stream_block) for stream in streams)
        if any(_why_block(block, successor) for block in blocks):
            return True
        if any(why_not(field, successor) for field in keys_of(model)):
            return True
    return False


def _holding(model: Any, name: str, value: Any, asset: Asset) -> list[Any]:
    """The blocks of a StreamField that have a picture; all that could, where a block of the site's hides which."""
    field = model._meta.get_field(name)
    told = field.extract_references(value) if value else ()
    paths = {path for target, key, path, _place in told if target is Asset and UUID(key) == asset.pk}
    found = [_block_at(field.stream_block, path) for path in sorted(paths)]
    return found if found and None not in found else list(_choosers(field.stream_block))


def _block_at(block: Any, path: str) -> Any:
    """The block that holds pictures at a path of names, as references tell it; None where none is there."""
    for name in path.split("."):
        inside = getattr(block, "child_blocks", None)
        block = getattr(block, "child_block", None) if inside is None else inside.get(name)
    return block if _is_chooser(block) else None


def exchange(model: Any, content: dict[str, Any], asset: Asset, successor: Asset) -> bool:
    """Put another picture in one's place in a revision's content, where a person could. Returns whether it changed."""
    done = [_exchange_stream(model, name, content, asset, successor) for name in fields_of(model)]
    done += [_exchange_key(field, content, asset, successor) for field in keys_of(model)]
    for accessor, child in children_of(model):
        done += [exchange(child, row, asset, successor) for row in content.get(accessor) or ()]
    return any(done)


def _exchange_stream(model: Any, name: str, content: dict[str, Any], asset: Asset, successor: Asset) -> bool:
    """An id stands nowhere in the JSON but where a block has it."""
    if not _streams(content, name, asset) or _why_stream(model, name, content, asset, successor) is not None:
        return False
    content[name] = content[name].replace(str(asset.pk), str(successor.pk))
    return True


def _exchange_key(field: Any, content: dict[str, Any], asset: Asset, successor: Asset) -> bool:
    if not _points(content, field, asset) or why_not(field, successor, holder=content.get("pk")) is not None:
        return False
    content[field.name] = str(successor.pk)
    return True


def why_drafted(model: Any, content: dict[str, Any], asset: Asset, successor: Asset) -> Iterator[StudioError]:
    """What keeps a picture out of a revision's content in another's place, field by field."""
    streams = (name for name in fields_of(model) if _streams(content, name, asset))
    keys = (field for field in keys_of(model) if _points(content, field, asset))
    whys = [_why_stream(model, name, content, asset, successor) for name in streams]
    whys += [why_not(field, successor, holder=content.get("pk")) for field in keys]
    yield from (why for why in whys if why is not None)
    for accessor, child in children_of(model):
        for row in content.get(accessor) or ():
            yield from why_drafted(child, row, asset, successor)


def _streams(content: dict[str, Any], name: str, asset: Asset) -> bool:
    words = content.get(name)
    return isinstance(words, str) and str(asset.pk) in words


def _points(content: dict[str, Any], field: Any, asset: Asset) -> bool:
    return str(content.get(field.name)) == str(asset.pk)


def _why_stream(model: Any, name: str, content: dict[str, Any], asset: Asset, successor: Asset) -> StudioError | None:
    return why_kept(model, name, model._meta.get_field(name).to_python(content[name]), asset, successor)
