"""Template tags with a body and named slots, declared by a function's signature.

Django's ``simple_block_tag`` gives a tag one body; page components need several places to fill::

    {% sheet title="Milestones" %}
      {% slot "actions" %}…{% endslot %}
      …
    {% endsheet %}

The function takes everything by keyword: ``body``, one argument for each slot, and its parameters.
Unknown and missing ones are errors when the template is compiled. A slot may be given as a
parameter instead, as text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

from django.template import Context, Library, Node, NodeList, Template, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token
from django.template.library import parse_bits
from django.utils.safestring import SafeString, mark_safe

Function = Callable[..., dict[str, Any]]
Register = Callable[[Function], Function]


def block(register: Library, template: str, *, slots: tuple[str, ...] = ()) -> Register:
    """Register a function as the block tag of its name, shown by a template.

    Args:
        register: the library that gets the tag.
        template: shows what the function returns.
        slots: the arguments that may be filled by ``{% slot "name" %}``.
    """

    def decorate(function: Function) -> Function:
        parse = partial(_parse, function=function, template=template, slots=slots)
        register.tag(function.__name__, parse)
        return function

    return decorate


def slot(parser: Parser, token: Token) -> SlotNode:
    """``{% slot "name" %}…{% endslot %}``, directly inside a component."""
    bits = token.split_contents()[1:]
    if len(bits) != 1 or bits[0][0] not in "\"'" or bits[0][0] != bits[0][-1]:
        raise TemplateSyntaxError("a slot takes one name in quotes")
    nodelist = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(bits[0][1:-1], nodelist)


class SlotNode(Node):
    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:  # noqa: ARG002 - there is nothing to render
        raise TemplateSyntaxError(f'slot "{self.name}" does not stand directly inside a component')


class ComponentNode(Node):
    child_nodelists = ("body", "nodelist")

    def __init__(
        self,
        *,
        function: Function,
        template: str,
        arguments: dict[str, FilterExpression],
        body: NodeList,
        slots: list[SlotNode],
    ) -> None:
        self.function = function
        self.template = template
        self.arguments = arguments
        self.body = body
        self.slots = slots
        self.nodelist = NodeList(slots)

    def render(self, context: Context) -> SafeString:
        values = {name: value.resolve(context) for name, value in self.arguments.items()}
        filled = {slot.name: _rendered(slot.nodelist, context) for slot in self.slots}
        body = _rendered(self.body, context)
        shown = context.new(self.function(body=body, **values, **filled))
        # The one thing of the page that a component may need: its forms carry the token.
        shown["csrf_token"] = context.get("csrf_token")
        return self._template(context).render(shown)

    def _template(self, context: Context) -> Template:
        """Look the template up once for each rendering, however often a loop comes by."""
        found: Template | None = context.render_context.get(self)
        if found is None:
            assert context.template is not None
            found = context.template.engine.get_template(self.template)
            context.render_context[self] = found
        return found


def _parse(
    parser: Parser, token: Token, *, function: Function, template: str, slots: tuple[str, ...]
) -> ComponentNode:
    name, *bits = token.split_contents()
    nodelist = parser.parse((f"end{name}",))
    parser.delete_first_token()
    filled = [node for node in nodelist if isinstance(node, SlotNode)]
    _check_slots(name, filled, slots)
    return ComponentNode(
        function=function,
        template=template,
        arguments=_arguments(parser, name, bits, function, {node.name for node in filled}),
        body=NodeList(node for node in nodelist if not isinstance(node, SlotNode)),
        slots=filled,
    )


def _check_slots(name: str, filled: list[SlotNode], declared: tuple[str, ...]) -> None:
    names = [node.name for node in filled]
    for slot_name in names:
        if slot_name not in declared:
            raise TemplateSyntaxError(f'{name} has no slot "{slot_name}"')
    if len(names) != len(set(names)):
        raise TemplateSyntaxError(f"{name}: a slot is filled twice")


def _arguments(
    parser: Parser, name: str, bits: list[str], function: Function, filled: set[str]
) -> dict[str, FilterExpression]:
    """Read the parameters; Django's own parser refuses unknown, missing and repeated ones."""
    declared = signature(function).parameters
    open_to_parameters = [key for key in declared if key != "body" and key not in filled]
    defaults = {
        key: declared[key].default
        for key in open_to_parameters
        if declared[key].default is not declared[key].empty
    }
    _, arguments = parse_bits(  # type: ignore[call-arg, unused-ignore]
        parser,
        bits,
        params=[],
        varargs=None,
        varkw=None,
        defaults=None,
        kwonly=open_to_parameters,
        kwonly_defaults=defaults,
        takes_context=False,
        name=name,
    )
    return arguments


def _rendered(nodelist: NodeList, context: Context) -> SafeString:
    return mark_safe(nodelist.render(context).strip())  # noqa: S308 - rendered, hence escaped
