from pathlib import Path

import pytest

from baileykeep.config import Settings, errors, load_partial
from tests.unit.config.conftest import MAIN, Write
from tests.unit.config.loading import good, only, problems_of

LOG = '[[gateways.main.logs]]\npath = "/a"\n'
SECRET = "canary-7f3a-not-to-be-shown"


# --- environment ---------------------------------------------------------------------------------------------------


def test_environment_wins_over_files(write: Write) -> None:
    directory = write(MAIN.replace("gateways.main", "gateways.Main-1"), {"42": "enabled = true"})
    settings = good(
        directory,
        {
            "BAILEYKEEP_MODE": "act",
            "BAILEYKEEP_GATEWAYS__MAIN_1__URL": "http://10.0.0.1:1",
            "BAILEYKEEP_LIMITS__DISCONNECT__WARN_AFTER": "3m",
            "BAILEYKEEP_LIMITS__THRESHOLDS__HEALTHY": "40",
            "BAILEYKEEP_TELEGRAM__CHATS": "[-1, 2]",
            "BAILEYKEEP_COMPANIES__42__ENABLED": "false",
            "BAILEYKEEP_COMPANIES__43__NAME": "from outside",
            "UNRELATED": "x",
        },
    )
    assert settings.installation.mode == "act"
    assert settings.gateways["Main-1"].url == "http://10.0.0.1:1"
    assert settings.limits.disconnect.warn_after_s == 180
    assert settings.limits.thresholds.healthy == 40
    assert settings.installation.telegram.chats == (-1, 2)
    assert not settings.enabled("42")
    assert settings.company("43").facts.name == "from outside"
    assert settings.origin(None, "disconnect", "warn_after_s") == "environment"


def test_problem_from_the_environment_names_the_variable(write: Write) -> None:
    found = only(write(), {"BAILEYKEEP_LIMITS__CLEANUP__MIN_AGE_DAYS": "3"})
    assert found.file == "environment BAILEYKEEP_LIMITS__CLEANUP__MIN_AGE_DAYS"
    assert "is 3, but must be at least 7" in found.reason


def test_unknown_nested_variable_is_an_error(write: Write) -> None:
    found = only(write(), {"BAILEYKEEP_HTPP__LISTEN": "x"})
    assert (found.key, found.remedy) == ("htpp", 'did you mean "http"?')


def test_variables_of_container_platforms_are_ignored_but_typing_errors_told(write: Write) -> None:
    environ = {
        "BAILEYKEEP_PORT": "tcp://10.0.0.1:8420",
        "BAILEYKEEP_SERVICE_HOST": "10.0.0.1",
        "BAILEYKEEP_CONFIG": "x",
    }
    assert load_partial(write(), environ=environ)[1] == ()
    _, problems = load_partial(write(), environ={"BAILEYKEEP_TIMEZON": "UTC"})
    assert [(p.file, p.remedy) for p in problems] == [
        ("environment BAILEYKEEP_TIMEZON", "did you mean BAILEYKEEP_TIMEZONE?")
    ]


# --- secrets -------------------------------------------------------------------------------------------------------


def token(settings: Settings) -> str:
    secret = settings.installation.telegram.token
    assert secret is not None
    return secret.get_secret_value()


TELEGRAM = MAIN + "[telegram]\nchats = [1]\nusers = [1]\n"


def test_secret_from_file_environment_and_credential(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    assert token(good(write(TELEGRAM + f'token_file = "{file}"'))) == SECRET
    assert token(good(write(TELEGRAM + 'token_file = "token"'))) == SECRET
    assert token(good(write(TELEGRAM + 'token_env = "T"'), {"T": SECRET})) == SECRET
    assert token(good(write(TELEGRAM), {"BAILEYKEEP_TELEGRAM__TOKEN": SECRET})) == SECRET
    (tmp_path / "telegram_token").write_text(SECRET)
    assert token(good(write(TELEGRAM), {"CREDENTIALS_DIRECTORY": str(tmp_path)})) == SECRET


def test_environment_replaces_every_way_in_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("from file")
    (tmp_path / "t").chmod(0o600)
    plain = write(TELEGRAM + 'token = "plain"')
    assert token(good(plain, {"BAILEYKEEP_TELEGRAM__TOKEN_FILE": str(tmp_path / "t")})) == "from file"
    filed = write(TELEGRAM + 'token_file = "/nowhere"')
    assert token(good(filed, {"BAILEYKEEP_TELEGRAM__TOKEN": SECRET})) == SECRET


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('token_env = "NOT_SET"', "telegram.token_env", "NOT_SET, which is not set"),
        ('token_file = "/dev/null"', "telegram.token_file", "it is not a plain file"),
        ('token_file = "/nowhere/x"', "telegram.token_file", "cannot be read: No such file"),
        (
            '[gateways.b]\ndialect = "x-api-key"\nurl = "http://h"\nsecret_file = "/nowhere"',
            "gateways.b.secret_file",
            "cannot be read",
        ),
        ('token = "a"\ntoken_env = "PATH"', "telegram.token", "is given by token and token_env"),
    ],
)
def test_secret_that_cannot_be_had(write: Write, text: str, key: str, reason: str) -> None:
    (found,) = errors(problems_of(write(TELEGRAM + text)))
    assert found.key == key
    assert reason in found.reason


def test_secret_in_a_file_that_all_can_read_is_a_warning(write: Write) -> None:
    directory = write(TELEGRAM + f'token = "{SECRET}"')
    (directory / "baileykeep.toml").chmod(0o644)
    _, problems = load_partial(directory, environ={})
    assert [(problem.key, problem.warning) for problem in problems] == [("telegram.token", True)]
    (directory / "baileykeep.toml").chmod(0o640)
    assert load_partial(directory, environ={})[1] == ()
    (directory / "token").write_text(SECRET)
    (directory / "token").chmod(0o644)
    _, problems = load_partial(write(TELEGRAM + 'token_file = "token"'), environ={})
    assert [(problem.key, problem.warning) for problem in problems] == [("telegram.token_file", True)]


def test_secrets_show_nowhere(write: Write) -> None:
    main = (
        TELEGRAM + f'token = "{SECRET}"\n[heartbeat]\nurl = "https://hc.example/{SECRET}"\n[http]\ntoken = "{SECRET}"\n'
    )
    settings = good(write(main))
    assert SECRET not in repr(settings) + str(settings.installation.model_dump())
    wrong = main.replace('[heartbeat]\nurl = "https', '[heartbeat]\nurl = "ftp').replace("chats = [1]", "chats = []")
    text = "\n".join(str(problem) for problem in problems_of(write(wrong)))
    assert "heartbeat.url" in text
    assert "telegram" in text
    assert SECRET not in text


@pytest.mark.parametrize("bad", [f'token = ["{SECRET}"]', f'tokem = "{SECRET}"', f'token = {{ x = "{SECRET}" }}'])
def test_secret_in_the_wrong_shape_is_not_repeated(write: Write, bad: str) -> None:
    assert SECRET not in "".join(str(problem) for problem in problems_of(write(TELEGRAM + bad)))


# --- companies' own keys -------------------------------------------------------------------------------------------


def test_a_companys_own_key_comes_from_a_file_the_environment_or_a_credential(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "of-42"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    (tmp_path / "companies_42_secret").write_text(SECRET)
    for text, environ in (
        (f'secret_file = "{file}"', {}),
        ('secret_file = "of-42"', {}),
        ('secret_env = "T"', {"T": SECRET}),
        ("name = 'x'", {"BAILEYKEEP_COMPANIES__42__SECRET": SECRET}),
        ("name = 'x'", {"CREDENTIALS_DIRECTORY": str(tmp_path)}),
    ):
        settings = good(write(MAIN, {"42": text}), environ)
        assert settings.keys() == {"42": SECRET}, text
        assert SECRET not in repr(settings)


def test_a_companys_own_key_that_cannot_be_had_holds_that_company_alone(write: Write) -> None:
    directory = write(MAIN, {"42": 'secret_file = "/nowhere"', "43": "name = 'x'"})
    settings, problems = load_partial(directory, environ={})
    assert [(p.file, p.key, p.company) for p in problems] == [("companies/42.toml", "secret_file", "42")]
    assert (settings.enabled("42"), settings.enabled("43")) == (False, True)


def test_two_companies_do_not_share_a_key(write: Write) -> None:
    directory = write(MAIN, {"42": f'secret = "{SECRET}"', "43": f'secret = "{SECRET}"'})
    settings, problems = load_partial(directory, environ={})
    assert {(p.key, p.company) for p in errors(problems)} == {("secret", "42"), ("secret", "43")}
    assert SECRET not in f"{problems} {settings}"


def test_a_key_in_a_file_that_all_may_read_is_warned_of(write: Write, tmp_path: Path) -> None:
    (tmp_path / "of-42").write_text(SECRET)
    (tmp_path / "of-42").chmod(0o644)
    _, problems = load_partial(write(MAIN, {"42": f'secret_file = "{tmp_path / "of-42"}"'}), environ={})
    assert [(p.key, p.company, p.warning) for p in problems] == [("secret_file", "42", True)]
