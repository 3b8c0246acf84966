"""What a company is told, in its own language: one file per language, each with the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from baileykeep.rules.tongues import en, es, he, ru
from baileykeep.rules.tongues.base import Tongue

TONGUES: Mapping[str, Tongue] = MappingProxyType({"en": en.TONGUE, "es": es.TONGUE, "he": he.TONGUE, "ru": ru.TONGUE})
"""By two-letter code. A new language is one file and one line here."""

__all__ = ["TONGUES", "Tongue"]
