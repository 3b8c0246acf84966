import re

import pytest

from baileykeep.config.keys import sections
from baileykeep.config.schema import Company, Installation
from baileykeep.telemetry import Metrics
from tests.docs.generate import DOCS, PAGES, text_of


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name: str) -> None:
    file = DOCS / name
    assert file.exists(), f"docs/{name} is missing: run `make docs`"
    assert file.read_text("utf-8") == text_of(name), f"docs/{name} is out of date: run `make docs`"


@pytest.mark.parametrize("model", [Installation, Company])
def test_reference_covers_every_setting(model: type[Installation | Company]) -> None:
    page = (DOCS / "configuration.md").read_text("utf-8")
    for section in sections(model):
        chapter = _chapter(page, section.header) if section.header else page
        for key in section.keys:
            assert f"| `{key.name}` | {key.kind}" in chapter, f"{section.header} {key.name}"


def test_every_setting_has_its_line_of_documentation() -> None:
    for model in (Installation, Company):
        for section in sections(model):
            assert section.doc
            assert all(key.doc and key.kind for key in section.keys), section.header


def test_metrics_page_names_every_metric() -> None:
    page = (DOCS / "metrics.md").read_text("utf-8")
    for metric in Metrics().declared():
        assert f"`{metric.name}`" in page


def _chapter(page: str, header: str) -> str:
    starts = [match.start() for match in re.finditer(rf"^### `{re.escape(header)}`$", page, re.M)]
    assert starts, f"{header} has no chapter"
    return "".join(page[start : page.find("\n### ", start + 1)] for start in starts)
