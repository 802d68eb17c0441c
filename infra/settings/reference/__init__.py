"""What editors and readers get of the settings: a JSON schema and a page, both made from the models themselves."""

from __future__ import annotations

from infra.settings.reference.keys import Key, keys_of, sections
from infra.settings.reference.page import page
from infra.settings.reference.schema import stack_schema

__all__ = ["Key", "keys_of", "page", "sections", "stack_schema"]
