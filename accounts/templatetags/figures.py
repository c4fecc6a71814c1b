"""Figures and links of the fleet, for templates."""

from django import template

from accounts.exports.sheets import is_set_up
from accounts.fleet import formatting
from accounts.fleet.listing import Listing

register = template.Library()

register.filter("money", formatting.money)
register.filter("signed", formatting.signed_money)
register.filter("signed_percent", formatting.signed_percent)
register.filter("direction", formatting.direction)
register.filter("price", formatting.price)
register.filter("unix", formatting.unix)


@register.filter
def unknown(value: object, why: str) -> object:
    """`value`, or an en dash that says `why` it is not known."""
    return formatting.unknown(why) if value is None or value == "" else value


@register.simple_tag
def sheets_set_up() -> bool:
    return is_set_up()


@register.simple_tag
def query(look: Listing, **changes: str) -> str:
    """A link to what is shown now with these parameters changed; back on the first page."""
    return look.query(**changes)
