"""Headings and cells of tables, of the columns that are declared for them: see fleet/column.py."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.template.base import DebugLexer, NodeList, Parser, TextNode, Token
from django.utils.module_loading import import_string

from accounts.fleet.column import Column, on_page
from accounts.fleet.listing import Listing

register = template.Library()


@dataclass(frozen=True)
class Heading:
    """`way` is how the page is sorted by it, if it is; `url` sorts by it, the other way round at
    the second click, and is empty where rows are not sorted by it."""

    column: Column[Any]
    way: str
    url: str


@register.inclusion_tag("accounts/_headings.html")
def headings(look: Listing) -> dict[str, list[Heading]]:
    return {"headings": [_heading(look, column) for column in on_page(look.columns)]}


def _heading(look: Listing, column: Column[Any]) -> Heading:
    key = column.key
    if column.sort is None:
        return Heading(column, "", "")
    way = {key: "ascending", f"-{key}": "descending"}.get(look.sort, "")
    descending = way == "ascending" or (not way and column.sort.largest_first)
    return Heading(column, way, look.query(sort=f"-{key}" if descending else key))


@register.inclusion_tag("accounts/_plain_headings.html")
def plain_headings(path: str) -> dict[str, list[Column[Any]]]:
    """Headings of a table that users cannot sort."""
    return {"columns": _declared(path)}


@register.simple_tag
def column_count(path: str) -> int:
    """Return how many columns the page shows, for a cell that spans them."""
    return len(_declared(path))


def _declared(path: str) -> list[Column[Any]]:
    """The columns on pages of the tuple that `path` names."""
    return on_page(import_string(path))


class CellsNode(template.Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> str:
        return self.nodelist.render(context)


@register.tag
def cells(parser: Parser, token: Token) -> CellsNode:
    """Compile the cells of all columns into this template, in their order:

        {% cells "accounts.fleet.columns.FLEET" %}
        {% cell phase %}
        <td>...</td>
        {% endcell %}
        {% endcells %}

    A column whose shape has no cell needs a `{% cell KEY %}` here; others can have one.
    """
    _, path = token.split_contents()
    columns = _declared(path.strip("\"'"))
    own = dict(_own_cells(parser))
    if unknown := own.keys() - {column.key for column in columns}:
        raise template.TemplateSyntaxError(f"No column is named {', '.join(sorted(unknown))}.")
    parts = [
        own[column.key] if column.key in own else _compiled(parser, column) for column in columns
    ]
    return CellsNode(_joined(parts))


def _own_cells(parser: Parser) -> Iterator[tuple[str, NodeList]]:
    while True:
        if (between := parser.parse(["cell", "endcells"])) and not _is_blank(between):
            raise template.TemplateSyntaxError("What stands between cells would be left out.")
        token = parser.next_token()
        name, *arguments = token.split_contents()
        if name == "endcells":
            return
        (key,) = arguments
        yield key, _stripped(_until_endcell(parser))


def _until_endcell(parser: Parser) -> NodeList:
    nodelist = parser.parse(["endcell"])
    parser.delete_first_token()
    return nodelist


def _is_blank(nodelist: NodeList) -> bool:
    return all(isinstance(node, TextNode) and not node.s.strip() for node in nodelist)


def _stripped(nodelist: NodeList) -> NodeList:
    """Without the ends of line beside the tags around it."""
    if nodelist and isinstance(nodelist[0], TextNode):
        nodelist[0] = TextNode(nodelist[0].s.lstrip())
    if nodelist and isinstance(nodelist[-1], TextNode):
        nodelist[-1] = TextNode(nodelist[-1].s.rstrip())
    return nodelist


def _compiled(parser: Parser, column: Column[Any]) -> NodeList:
    """As if the cell stood in the template, so with the filters that it has loaded."""
    if not column.cell:
        raise template.TemplateSyntaxError(f"Column {column.key} needs a cell in this template.")
    # Error pages of DEBUG want positions of tokens, which the other lexer leaves out.
    for token in reversed(DebugLexer(column.cell + "{% endcell %}").tokenize()):
        parser.prepend_token(token)
    return _stripped(_until_endcell(parser))


def _joined(parts: Sequence[NodeList]) -> NodeList:
    """One list, a line a part, whose neighbouring texts are one: each node costs half a
    microsecond a row."""
    joined = NodeList()
    for part in parts:
        for node in [*part, TextNode("\n")]:
            if isinstance(node, TextNode) and joined and isinstance(joined[-1], TextNode):
                joined[-1] = TextNode(joined[-1].s + node.s)
            else:
                joined.append(node)
    return joined
