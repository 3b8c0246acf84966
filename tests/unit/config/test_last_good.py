import pytest

from baileykeep.config import BadConfig, errors, load_partial
from tests.unit.config.conftest import MAIN, Write
from tests.unit.config.loading import good, problems_of

LOG = '[[gateways.main.logs]]\npath = "/a"\n'
SECRET = "canary-7f3a-not-to-be-shown"


# --- last good values ----------------------------------------------------------------------------------------------


def test_bad_company_keeps_its_last_good_values_alone(write: Write) -> None:
    before = good(write(MAIN, {"1": "name = 'one'", "2": "name = 'two'"}))
    directory = write(MAIN, {"1": "nam = 'changed'", "2": "name = 'new two'"})
    settings, problems = load_partial(directory, before, {})
    assert settings.company("1").facts.name == "one"
    assert settings.company("2").facts.name == "new two"
    assert [problem.company for problem in problems] == ["1"]
    assert settings.held == frozenset()


def test_bad_company_without_a_past_is_held(write: Write) -> None:
    settings, _ = load_partial(write(MAIN, {"1": "nam = 'x'"}), environ={})
    assert settings.held == {"1"}
    assert not settings.enabled("1")
    assert settings.enabled("2")


def test_bad_installation_keeps_the_last_good_one_whole(write: Write) -> None:
    before = good(write('mode = "act"\n' + MAIN))
    directory = write('mode = "observe"\ntimezon = "UTC"\n' + MAIN, {"1": "name = 'one'"})
    settings, problems = load_partial(directory, before, {})
    assert settings.installation.mode == "act"
    assert settings.company("1").facts.name == "one"
    assert [problem.key for problem in problems] == ["timezon"]


def test_bad_installation_without_a_past_raises(write: Write) -> None:
    with pytest.raises(BadConfig):
        load_partial(write('mode = "x"'), environ={})


def test_company_that_no_longer_fits_the_installation_keeps_its_limits(write: Write) -> None:
    company = {"1": '[limits.disconnect]\nact_after = "16m"\n'}
    before = good(write(MAIN, company))
    settings, problems = load_partial(
        write(MAIN + '[limits.disconnect]\nwarn_after="20m"\nact_after="30m"\n', company), before, {}
    )
    assert [(p.company, p.key) for p in problems] == [("1", "limits.disconnect.act_after")]
    assert settings.limits_for("1").disconnect.warn_after_s == 600
    assert settings.limits_for("2").disconnect.warn_after_s == 1200


def test_removed_company_file_is_forgotten(write: Write) -> None:
    directory = write(MAIN, {"1": "enabled = false"})
    before = good(directory)
    (directory / "companies" / "1.toml").unlink()
    settings, problems = load_partial(directory, before, {})
    assert (settings.enabled("1"), problems) == (True, ())


def test_vanished_folder_of_companies_is_not_taken_for_their_removal(write: Write) -> None:
    directory = write(MAIN, {"1": "enabled = false"})
    before = good(directory)
    (directory / "companies").rename(directory / "elsewhere")
    settings, problems = load_partial(directory, before, {})
    assert not settings.enabled("1")
    assert [problem.file for problem in problems] == ["companies"]
    assert good(directory).companies == {}


@pytest.mark.parametrize(("key", "one", "other"), [
    ("phone", '"+49 151 00000001"', '"4915100000001"'),
    ("folder", '"/srv/a"', '"/srv/x/../a"'),
])  # fmt: skip
def test_two_companies_cannot_share(write: Write, key: str, one: str, other: str) -> None:
    found = problems_of(write(MAIN, {"1": f"{key} = {one}", "2": f"{key} = {other}"}))
    assert [(problem.company, problem.key) for problem in found] == [("1", key), ("2", key)]
    assert "1 and 2 share it" in found[0].reason
    assert "00000001" not in str(found)


def test_of_two_that_collide_the_edited_one_gives_way(write: Write) -> None:
    before = good(write(MAIN, {"1": "phone = 4915100000001", "2": "phone = 4915100000002"}))
    settings, problems = load_partial(write(MAIN, {"2": "phone = 4915100000001"}), before, {})
    assert [settings.company(ident).facts.phone for ident in ("1", "2")] == ["4915100000001", "4915100000002"]
    assert settings.held == frozenset()
    assert len(errors(problems)) == 2


def test_a_bad_first_file_of_a_company_that_is_watched_already_does_not_drop_it(write: Write) -> None:
    before = good(write(MAIN))
    settings, problems = load_partial(write(MAIN, {"1": "nam = 'x'"}), before, {})
    assert [problem.company for problem in problems] == ["1"]
    assert settings.held == frozenset()
    assert settings.enabled("1")


def test_two_that_collide_from_the_start_are_both_held(write: Write) -> None:
    settings, _ = load_partial(write(MAIN, {"1": "phone = 4915100000001", "2": "phone = 4915100000001"}), environ={})
    assert settings.held == {"1", "2"}


def test_disabled_company_may_share(write: Write) -> None:
    companies = {"1": "phone = 4915100000001\nenabled = false", "2": "phone = 4915100000001"}
    assert good(write(MAIN, companies)).enabled("2")
