from __future__ import annotations

import pytest

from baileykeep.logs import reading
from baileykeep.logs.attribution import Attribution, nobody, owner_of
from baileykeep.logs.scan import Scanner
from baileykeep.model.errors import ConfigError


def company(attribution: Attribution, text: str) -> str | None:
    (line,) = reading.read(text.encode())
    return attribution.company_of(line)


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("companyId", '{"companyId":"17","msg":"x"}', "17"),
        ("companyId", '{"companyId":17,"msg":"x"}', "17"),
        ("tenant.id", '{"tenant":{"id":"17"},"msg":"x"}', "17"),
        ("tenant.id", '{"tenant.id":"17","msg":"x"}', "17"),
        ("companyId", 'APP connection.update {"companyId":"17"}', "17"),
        ("app_name", '{"message":"{\\"msg\\":\\"x\\"}\\n","app_name":"gw-17","process_id":0}', "gw-17"),
        ("companyId", '{"companyId":null,"msg":"x"}', None),
        ("companyId", '{"companyId":true,"msg":"x"}', None),
        ("companyId", '{"companyId":{"id":1},"msg":"x"}', None),
        ("companyId", '{"companyId":"a\\nb","msg":"x"}', None),
        ("tenant.id", '{"tenant":"17","msg":"x"}', None),
        ("companyId", "companyId 17", None),
    ],
)
def test_by_field(field: str, text: str, expected: str | None) -> None:
    assert company(Attribution(field=field), text) == expected


def test_by_pattern() -> None:
    attribution = Attribution(pattern=r"\[(?P<company>\w+)\]", id_template="company_{company}")
    assert company(attribution, "[company_997441] Connection replaced") == "997441"
    assert company(attribution, "[997441] Connection replaced") == "997441"
    assert company(attribution, "Connection replaced") is None


def test_the_first_way_that_answers_wins() -> None:
    attribution = Attribution(field="id", pattern=r"c(?P<company>\d+)", company="only")
    assert company(attribution, '{"id":"1","msg":"c2"}') == "1"
    assert company(attribution, '{"msg":"c2"}') == "2"
    assert company(attribution, '{"msg":"x"}') == "only"


@pytest.mark.parametrize(("pattern", "word"), [("(", "no regular expression"), (r"\d+", "names no company")])
def test_a_bad_pattern_says_why(pattern: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        Attribution(pattern=pattern)


def test_a_template_without_a_place_for_the_id_is_refused() -> None:
    with pytest.raises(ConfigError, match="company_"):
        Attribution(id_template="company_")


def test_a_contact_frame_attributes_only_when_one_company_has_that_session() -> None:
    folders = {"4915122222222.0": ("17",), "4915133333333.0": ("17", "18")}

    def owners(gateway: str, address: str) -> tuple[str, ...]:
        return folders.get(address, ()) if gateway == "gw" else ()

    assert owner_of(owners, "gw", "4915122222222.0") == "17"
    assert owner_of(owners, "gw", "4915133333333.0") is None
    assert owner_of(owners, "gw", "4915144444444.0") is None
    assert owner_of(owners, "gw", None) is None
    assert owner_of(nobody, "gw", "4915122222222.0") is None


def test_closes_of_many_companies_in_one_log_are_kept_apart() -> None:
    lines = [
        '{"c":"%s","node":{"attrs":{"code":"%s"}},"msg":"stream errored out"}',
        '{"c":"%s","trace":"Error: Stream Errored (unknown) %s","msg":"connection errored"}',
        'APP {"c":"%s","connection":"close","lastDisconnect":{"statusCode":%s}}',
    ]
    text = "\n".join(line % (one, 503) for line in lines for one in ("17", "18", "19"))
    scanner = Scanner(Attribution(field="c"))
    scanner.read([text.encode()])
    report = scanner.report()
    assert {one: dict(counts.numbers) for one, counts in report.companies.items()} == {
        one: {"drops": 1} for one in ("17", "18", "19")
    }


def test_a_line_joins_the_event_of_its_own_company_first() -> None:
    update = 'APP {%s"connection":"close","lastDisconnect":{"statusCode":503}}\n'
    stream = '{"c":"17","node":{"attrs":{"code":"503"}},"msg":"stream errored out"}\n'
    scanner = Scanner(Attribution(field="c"))
    scanner.read([(update % "" + update % '"c":"17",' + stream).encode()])
    report = scanner.report()
    assert report.companies["17"].numbers["drops"] == 1
    assert report.total.numbers["drops"] == 2
