"""Content-Security-Policy: nothing inline, nothing foreign; a little more in the admin."""

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from typing import Final

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

POLICY = {
    "default-src": [SELF],
    "img-src": [SELF, "data:"],
    "object-src": [NONE],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
}
# No script and no style of a page itself, but for three things of django-unfold: its Alpine makes a
# function of each x- attribute (the build of Alpine that does not knows neither the arrows nor the
# globals that the theme writes there), it sets the attribute `style`, and there are two styles.
ADMIN_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF],
    "style-src-attr": [UNSAFE_INLINE],
}
# What its htmx puts into each page: how something is shown that loads.
INDICATORS: Final = "'sha256-bsV5JivYxvGywDAZ22EZJKBFip65Ng9xoJVLbBg7bdo='"
# The colours of settings.UNFOLD; what else somebody put there is not let in.
COLORS = re.compile(
    rb'<style id="unfold-theme-colors">(\s*:root \{(?:\s*--[\w-]+: [^;{}<>\\]+;)*\s*\}\s*)</style>'
)


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        if report_only:
            return PolicyParts()
        if not request.path_info.startswith("/admin/"):
            return PolicyParts(config=POLICY)
        styles = [SELF, INDICATORS, *_colors(response)]
        return PolicyParts(config=POLICY, replace={**ADMIN_POLICY, "style-src-elem": styles})


def _colors(response: HttpResponseBase) -> list[str]:
    found = COLORS.search(getattr(response, "content", b""))
    return [_source(found[1])] if found else []


@lru_cache(maxsize=4)
def _source(style: bytes) -> str:
    return f"'sha256-{b64encode(sha256(style).digest()).decode()}'"
