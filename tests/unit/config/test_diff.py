import pytest

from baileykeep.config import load, load_partial
from baileykeep.config.diff import RESTART, Diff, diff, needs_restart
from baileykeep.config.schema import Installation
from tests.unit.config.conftest import MAIN, Write

COMPANIES = {"1": "name = 'one'", "2": '[limits.bad_mac]\npreset = "flapping"\n'}


def change(write: Write, main: str = MAIN, companies: dict[str, str] | None = None, dialects: str = "") -> Diff:
    own = {"mine": 'base = "ai-admin"\nsummary = "a"'}
    before = load(write(MAIN, COMPANIES, own), {})
    for ident in COMPANIES:
        (before.directory / "companies" / f"{ident}.toml").unlink()
    own = {"mine": f'base = "ai-admin"\nsummary = "{dialects}"'} if dialects else own
    return diff(before, load(write(main, COMPANIES if companies is None else companies, own), {}))


def test_nothing(write: Write) -> None:
    assert not change(write)


def test_comments_and_order_are_no_change(write: Write) -> None:
    assert not change(write, "# hello\n" + MAIN, {"1": "name = 'one' # same\n", "2": COMPANIES["2"]})


def test_one_company_alone(write: Write) -> None:
    found = change(write, companies={**COMPANIES, "1": 'name = "one"\n[limits.disconnect]\nwarn_after = "9m"\n'})
    assert found == Diff(limits=frozenset({"1"}))
    found = change(write, companies={**COMPANIES, "1": "name = 'uno'"})
    assert found == Diff(facts=frozenset({"1"}))
    found = change(write, companies={**COMPANIES, "1": "name = 'one'\n[window]\nfrom = '01:00'\nto = '02:00'"})
    assert found == Diff(facts=frozenset({"1"}))


def test_added_and_removed(write: Write) -> None:
    found = change(write, companies={"1": COMPANIES["1"], "3": ""})
    assert found == Diff(added=frozenset({"3"}), removed=frozenset({"2"}))
    assert found.companies == {"2", "3"}


def test_limits_of_the_installation_concern_those_that_do_not_override(write: Write) -> None:
    found = change(write, MAIN + '[limits.bad_mac]\npreset = "flapping"\n')
    assert found == Diff(limits=frozenset({"1"}), defaults=True)


def test_gateways(write: Write) -> None:
    found = change(write, MAIN.replace("3000", "3001") + '[gateways.b]\ndialect = "ai-admin"\nurl = "http://b"\n')
    assert found == Diff(gateways_changed=frozenset({"main"}), gateways_added=frozenset({"b"}))


def test_a_companys_own_key_makes_its_gateway_anew(write: Write) -> None:
    found = change(write, companies={**COMPANIES, "1": "name = 'one'\nsecret = 'made-up'"})
    assert found == Diff(facts=frozenset({"1"}), gateways_changed=frozenset({"main"}))


def test_own_dialect_concerns_the_gateways_that_use_one(write: Write) -> None:
    assert not change(write, dialects="b")
    main = MAIN.replace("ai-admin", "mine")
    before = load(write(main, dialects={"mine": 'base = "base"', "base": 'base = "ai-admin"'}), {})
    after = load(write(main, dialects={"base": 'base = "ai-admin"\nsummary = "x"'}), {})
    assert diff(before, after) == Diff(gateways_changed=frozenset({"main"}))


def test_restart_is_named(write: Write) -> None:
    text = 'mode = "act"\nstate_dir = "/x"\n[http]\nlisten = "127.0.0.1:1"\n[telegram]\nusers = [3]\n'
    found = change(write, text + MAIN)
    assert found.keys == ("mode", "state_dir", "http.listen", "telegram.users")
    assert found.restart == ("state_dir", "http.listen")


def test_changed_secret_is_a_change(write: Write) -> None:
    main = MAIN + '[telegram]\nchats = [1]\ntoken = "one"\n'
    before = load(write(main), {})
    assert diff(before, load(write(main.replace("one", "two")), {})).restart == ("telegram.token",)


def test_company_that_became_held(write: Write) -> None:
    before = load(write(MAIN), {})
    after, _ = load_partial(write(MAIN, {"1": "nam = 1"}), environ={})
    assert diff(before, after).added == {"1"}
    good = load(write(MAIN, {"1": ""}), {})
    assert diff(after, good).facts == {"1"}


@pytest.mark.parametrize("key", RESTART)
def test_restart_keys_exist(key: str) -> None:
    first, _, rest = key.partition(".")
    assert first in Installation.model_fields
    assert needs_restart(key)
    assert not rest or rest in type(getattr(Installation(), first)).model_fields
