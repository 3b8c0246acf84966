import dataclasses

import pytest

from baileykeep.config import load, load_partial
from baileykeep.config.problems import Problem
from baileykeep.model.errors import ConfigError
from baileykeep.model.limits import Limits
from tests.unit.config.conftest import MAIN, Write
from tests.unit.config.loading import good, only, problems_of

LOG = '[[gateways.main.logs]]\npath = "/a"\n'
SECRET = "canary-7f3a-not-to-be-shown"


def test_defaults_need_only_a_gateway(write: Write) -> None:
    settings = good(write())
    assert settings.installation.mode == "observe"
    assert settings.limits == Limits()
    assert settings.limits_for("anybody") == Limits()
    assert settings.enabled("anybody")


def test_company_overrides_installation_overrides_default(write: Write) -> None:
    main = MAIN + '[limits.disconnect]\nwarn_after = "5m"\nact_after = "20m"\n'
    settings = good(write(main, {"42": '[limits.disconnect]\nact_after = "30m"\n'}))
    ours = settings.limits_for("42").disconnect
    assert (ours.warn_after_s, ours.act_after_s, ours.flap_drops) == (300, 1800, 5)
    origins = [settings.origin("42", "disconnect", n) for n in ("act_after_s", "warn_after_s", "flap_drops")]
    assert origins == ["company", "installation", "default"]
    assert settings.limits_for("43").disconnect.act_after_s == 1200


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ('mode = "observ"', 1, "mode", 'must be "observe" or "act"'),
        ("[limits.cleanup]\nmin_age_days = 5", 2, "limits.cleanup.min_age_days", "is 5, but must be at least 7"),
        ("[limits.cleanup]\nkeep_pre_keys = 29", 2, "limits.cleanup.keep_pre_keys", "is 29, but must be at least 30"),
        ("[limits.cleanup]\nmin_age_days = nan", 2, "limits.cleanup.min_age_days", "should be a finite number"),
        ("[limits.cleanup]\nkeep_pre_keys = true", 2, "limits.cleanup.keep_pre_keys", "must be a number"),
        ('[limits.ladder]\nquiet_folder = "2s"', 2, "limits.ladder.quiet_folder", "is 2s, but must be at least 10"),
        ('[limits.relink]\napproval = "yes"', 2, "limits.relink.approval", 'must be "ask", "auto" or "never"'),
        ('[limits.disconnect]\nwarn_after = "soon"', 2, "limits.disconnect.warn_after", "must be a duration"),
        ('timezone = "Europe/Nowhere"', 1, "timezone", "does not know as a time zone"),
        ('[http]\nlisten = "8420"', 2, "http.listen", "must be host and port"),
        ('[window]\nfrom = "25:00"\nto = "03:00"', 2, "window.from", "must be a time of day"),
        ('[window]\nfrom = "02:00"\nto = "02:10"', 1, "window", "is 10 min long, but nothing is begun in its last 15"),
        ('[telegram]\nchats = ["@group"]', 2, "telegram.chats[0]", "valid integer"),
        ("[heartbeat]\nevery = 0", 2, "heartbeat.every", "must be at least 1"),
    ],
)  # fmt: skip
def test_says_file_line_key_and_reason(write: Write, text: str, line: int, key: str, reason: str) -> None:
    found = only(write(text + "\n" + MAIN))
    assert (found.file, found.line, found.key) == ("baileykeep.toml", line, key)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("mod = 'act'", 'did you mean "mode"?'),
        ("warn_after = '5m'", 'did you mean "limits.disconnect.warn_after"?'),
        ("[limits.disconnect]\nwarn_after_s = 5", 'did you mean "warn_after"?'),
        ("[limits.diskonnect]\nwarn_after = 5", 'did you mean "disconnect"?'),
        ("xyzzy = 1", "remove it"),
    ],
)
def test_unknown_keys_are_errors_with_a_suggestion(write: Write, text: str, remedy: str) -> None:
    found = only(write(text + "\n" + MAIN))
    assert found.reason == "is not a setting"
    assert found.remedy == remedy


def test_unknown_keys_inside_named_tables_and_arrays(write: Write) -> None:
    text = MAIN + 'sesion = "x{company}"\n[[gateways.main.logs]]\npath = "/a"\n[[gateways.main.logs]]\npaht = "/b"\n'
    keys = {problem.key: (problem.remedy, problem.line) for problem in problems_of(write(text))}
    assert keys["gateways.main.sesion"] == ('did you mean "sessions"?', 6)
    assert keys["gateways.main.logs[1].paht"] == ('did you mean "path"?', 10)
    assert keys["gateways.main.logs[1].path"][1] == 9


def test_installation_wide_keys_in_a_company_file_say_where_they_belong(write: Write) -> None:
    found = problems_of(write(MAIN, {"42": "mode = 'act'\n[limits.brake]\nshare = 0.9\n"}))
    assert {problem.key for problem in found} == {"mode", "limits.brake"}
    assert all("move it to baileykeep.toml" in problem.remedy for problem in found)


def test_all_problems_of_all_files_at_once(write: Write) -> None:
    directory = write('mode = "x"\ntimezone = "y"\n', {"1": "enabled = 3", "2": "= broken", "3": "name = 'fine'"})
    files = [problem.file for problem in problems_of(directory)]
    assert files == ["baileykeep.toml", "baileykeep.toml", "companies/1.toml", "companies/2.toml"]


def test_error_is_a_config_error_with_every_line(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write('mode = "x"\ntimezone = "y"\n' + MAIN), {})
    assert len(str(caught.value).splitlines()) == 2
    assert caught.value.exit_code == 2


def test_syntax_error_names_the_line(write: Write) -> None:
    found = only(write(MAIN, {"42": "name = 'x'\nphone = \n"}))
    assert (found.file, found.line, found.syntax) == ("companies/42.toml", 2, True)
    assert "is not valid TOML" in found.reason


def test_missing_installation_says_how_to_write_one(write: Write) -> None:
    assert "baileykeep init" in only(write(None)).remedy


def test_file_that_is_no_text(write: Write) -> None:
    directory = write()
    (directory / "companies" / "42.toml").write_bytes(b"name = '\xff\xfe'")
    assert only(directory).reason == "is not UTF-8 text"


def test_byte_order_mark_is_harmless(write: Write) -> None:
    directory = write()
    (directory / "companies" / "42.toml").write_bytes(b"\xef\xbb\xbfname = 'x'\n")
    assert good(directory).company("42").facts.name == "x"


def test_editor_leftovers_are_not_companies(write: Write) -> None:
    directory = write()
    for name in (".42.toml.swp", "42.toml~", ".#43.toml", "notes.txt"):
        (directory / "companies" / name).write_text("rubbish")
    assert good(directory).companies == {}


def test_company_file_with_an_impossible_name(write: Write) -> None:
    assert "not named after a company" in only(write(MAIN, {"a b": ""})).reason


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('gateway = "other"', "gateway", 'is "other"'),
        ('folder = "relative/x"', "folder", "must be an absolute path"),
        ('phone = "12"', "phone", "must be 7 to 15 digits"),
        ('phone = "call me"', "phone", "must be 7 to 15 digits"),
        ('[limits.disconnect]\nact_after = "9m"', "limits.disconnect.act_after", "is 9m, but must be more than"),
    ],
)
def test_company_problems(write: Write, text: str, key: str, reason: str) -> None:
    found = only(write(MAIN, {"42": text}))
    assert (found.company, found.key) == ("42", key)
    assert reason in found.reason


@pytest.mark.parametrize("text", ['"+49 151 0000-0001"', "4915100000001", '"(49) 151.0000.0001"'])
def test_phone_is_kept_as_digits_and_not_shown(write: Write, text: str) -> None:
    settings = good(write(MAIN, {"42": f"phone = {text}"}))
    assert settings.company("42").facts.phone == "4915100000001"
    assert "4915100000001" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('[gateways.b]\ndialect = "ai-admn"\nurl = "http://h"', "gateways.b.dialect", "there is no gateway dialect"),
        ('[gateways.b]\ndialect = "ai-admin"\nurl = "h:3000"', "gateways.b.url", "must be an address"),
        ('[gateways.b]\ndialect = "ai-admin"\nurl = "http://u:p@h"', "gateways.b.url", "must not carry a password"),
        ('[gateways.b]\ndialect = "x-api-key"\nurl = "http://h"', "gateways.b.secret", "is missing"),
        ('[gateways.b]\ndialect = "ai-admin"', "gateways.b.url", "is missing"),
        ('[gateways.b]\ndialect = "ai-admin"\nurl = "http://h"\nsessions = "/a"', "gateways.b.sessions[0]", "exactly"),
        ('[gateways.b]\ndialect = "ai-admin"\nurl = "http://h"\nsessions = "/srv/sessions/company_{company}"',
         "gateways.b.sessions", "are those of gateway main as well"),
        ('[gateways.main.process]\nmanager = "pm3"', "gateways.main.process", "no process manager 'pm3'"),
        ('[gateways.main.process]\nunit = "x.service"', "gateways.main.process", "process manager none"),
        ('[gateways.main.process]\nmanager = "pm2"', "gateways.main.process", "no name"),
        ('[gateways.main.process]\nmanager = "systemd"', "gateways.main.process", "no unit"),
        ('[gateways.main.process]\nmanager = "docker"', "gateways.main.process", "no container"),
        ('[gateways.main.process]\nmanager = "supervisord"', "gateways.main.process", "no program"),
        ('[gateways.main.process]\nmanager = "docker"\ncontainer = "a b"', "gateways.main.process", "container's name"),
        ('[gateways.main.process]\nmanager = "docker"\ncontainer = "gw"\nunit = "gw"', "gateways.main.process", "unit"),
        ('[gateways.main.process]\nmanager = "supervisord"\nprogram = "gw"\npassword_env = "NOT_SET"',
         "gateways.main.process.password_env", "which is not set"),
        ('[gateways.main.process]\nmanager = "supervisord"\nprogram = "gw"\nsocket = "/x"\nurl = "http://h"',
         "gateways.main.process", "socket and url"),
        (LOG + 'company_regex = "("', "gateways.main.logs[0].company_regex", "is not a regular"),
        (LOG + 'company_regex = "(x)"', "gateways.main.logs[0].company_regex", 'group called "company"'),
        (LOG + 'company_regex = "(?P<company>x)"\ncompany_field = "c"', "gateways.main.logs[0]", "keep one of them"),
        ('[gateways."a b"]\ndialect = "ai-admin"\nurl = "http://h"', "gateways.a b", "is not a name"),
        ('[http]\nlisten = "0.0.0.0:8420"', "http.listen", "there is no http.token"),
        ('[telegram]\ntoken = "x"', "telegram", "no chats"),
    ],
)  # fmt: skip
def test_installation_problems(write: Write, text: str, key: str, reason: str) -> None:
    found = [problem for problem in problems_of(write(MAIN + text + "\n")) if not problem.warning]
    assert [problem.key for problem in found] == [key]
    assert reason in str(found[0])


def test_no_gateway_is_a_mistake(write: Write) -> None:
    assert only(write("")).key == "gateways"


def test_own_dialect_is_found_and_its_mistakes_are_told(write: Write) -> None:
    main = MAIN.replace("ai-admin", "mine")
    assert good(write(main, dialects={"mine": 'base = "ai-admin"'})).dialects["main"].name == "mine"
    found = only(write(main, dialects={"mine": 'base = "ai-admin"\nstatsu = 1'}))
    assert "statsu" in found.reason


def test_unused_broken_dialect_is_a_warning(write: Write) -> None:
    _, problems = load_partial(write(dialects={"other": "x ="}), environ={})
    assert [(problem.file, problem.warning) for problem in problems] == [("dialects/other.toml", True)]


# --- what others read ----------------------------------------------------------------------------------------------


def test_paths_are_absolute(write: Write) -> None:
    directory = write('state_dir = "state"\n' + MAIN)
    assert good(directory).installation.state_dir == directory / "state"


def test_contacts_generation_and_window_fall_back(write: Write) -> None:
    main = 'baileys = "6"\ntimezone = "Europe/Berlin"\n[telegram]\nchats = [1]\nsecond = [2]\n'
    main += '[window]\nfrom = "03:00"\nto = "05:00"\n' + MAIN + 'baileys = "7"\n'
    company = 'contacts = [9]\n[window]\ndays = ["sun", "mon"]\nfrom = 02:00:00\nto = "02:30"\ntz = "UTC"\n'
    settings = good(write(main, {"1": company}))
    assert (settings.chats("1"), settings.second_chats("1"), settings.chats("2"), settings.chats(None)) == (
        (9,),
        (2,),
        (1,),
        (1,),
    )
    assert (settings.generation("1", "main"), settings.generation("1", "gone")) == ("7", "6")
    assert str(settings.company("1").window) == "mon sun 02:00-02:30 UTC"
    assert str(settings.company("2").window) == "daily 03:00-05:00 Europe/Berlin"


def test_problems_read_as_sentences() -> None:
    problem = Problem("a.toml", "k", "is 1, but must be 2", "change it", 7)
    assert str(problem) == "a.toml:7: k is 1, but must be 2; change it"
    assert str(dataclasses.replace(problem, key="", line=None, remedy="")) == "a.toml: is 1, but must be 2"
