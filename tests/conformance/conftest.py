"""Fixtures of families."""

from tests.conformance.store_places import each, member, newer, place  # noqa: F401
