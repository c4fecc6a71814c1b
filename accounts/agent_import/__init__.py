"""Agents from a file: what stands in it, what it would change, and all of it written or nothing.

agent_file.py  the formats, and what is wrong with a file
imports.py     the preview and the import
"""

from accounts.agent_import.agent_file import ImportRefused, Item, Source, read
from accounts.agent_import.imports import Plan, import_agents, normal_url, preview

__all__ = [
    "ImportRefused",
    "Item",
    "Plan",
    "Source",
    "import_agents",
    "normal_url",
    "preview",
    "read",
]
