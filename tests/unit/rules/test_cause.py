"""Why a session is down: which proof wins, for how long, and what each row of the table makes the ladder do."""

from __future__ import annotations

import pytest

from baileykeep.model.decisions import Reason, Verb
from baileykeep.model.facts import CloseKind, ConnState, CredsSeen, Fact, PairingDone, StreamOpened, Tick
from baileykeep.model.incident import Cause, Outcome, Rung
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.model.symptoms import Scope, Subject
from baileykeep.rules import findings
from baileykeep.rules.cause import BY_CODE, BY_KIND, PROVED, State, cause_of, holds_for_what_lies_there, step
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.ladder import Can, decide
from baileykeep.rules.view import Timer
from tests.unit.rules.cases import ACTING, NOW, case, tried, view
from tests.unit.rules.facts import closed, down, seen, up

OPENED = StreamOpened(at=NOW, gateway="main", company="acme")
PAIRED = PairingDone(at=NOW, gateway="main", company="acme")
REMOVED = closed(CloseKind.DEVICE_REMOVED, 401)


def after(*facts: Fact, state: State | None = None) -> State:
    state = state or State()
    for fact in facts:
        state = step(state, fact)
    return state


def cause_after(*facts: Fact) -> Cause:
    return cause_of(after(*facts), half_paired=False, waiting_qr=False)


# --- the table -----------------------------------------------------------------------------------------------------

LATER = NOW - 700
"""Long enough ago for every pause that a cause asks for."""

BY_FACT = [
    (closed(CloseKind.DEVICE_REMOVED, 401, LATER), Cause.LOGGED_OUT, (Verb.ACT, Rung.SNAPSHOT)),
    (closed(CloseKind.DEVICE_REMOVED, None, LATER), Cause.LOGGED_OUT, (Verb.ACT, Rung.SNAPSHOT)),
    (closed(CloseKind.LOGGED_OUT, 401, LATER), Cause.LOGGED_OUT, (Verb.ACT, Rung.SNAPSHOT)),
    (closed(CloseKind.OTHER, 401, LATER), Cause.LOGGED_OUT, (Verb.ACT, Rung.SNAPSHOT)),
    (down(LATER, 401), Cause.LOGGED_OUT, (Verb.ACT, Rung.SNAPSHOT)),
    (down(LATER, 402), Cause.ACCOUNT_BLOCKED, (Verb.HUMAN, None)),
    (down(LATER, 403), Cause.ACCOUNT_BLOCKED, (Verb.HUMAN, None)),
    (closed(CloseKind.OTHER, 403, LATER), Cause.ACCOUNT_BLOCKED, (Verb.HUMAN, None)),
    (down(LATER, 406), Cause.ACCOUNT_BLOCKED, (Verb.HUMAN, None)),
    (down(LATER, 405), Cause.CLIENT_TOO_OLD, (Verb.HUMAN, None)),
    (down(LATER, 411), Cause.MULTI_DEVICE_MISMATCH, (Verb.HUMAN, None)),
    (closed(CloseKind.LOST, 408, LATER), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (closed(CloseKind.QR_ENDED, 408, LATER), Cause.WAITING_QR, (Verb.HUMAN, None)),
    (closed(CloseKind.CONNECT_ERROR, 408, LATER), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (down(LATER, 408), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (down(LATER, 428), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (down(LATER, 500), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (down(LATER, 503), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (closed(CloseKind.REPLACED, None, LATER), Cause.REPLACED, (Verb.ACT, Rung.RECONNECT)),
    (closed(CloseKind.REPLACED, 440, LATER), Cause.REPLACED, (Verb.ACT, Rung.RECONNECT)),
    (down(LATER, 440), Cause.REPLACED, (Verb.ACT, Rung.RECONNECT)),
    (closed(CloseKind.RESTART_REQUIRED, 515, LATER), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
    (down(LATER), Cause.DISCONNECTED, (Verb.ACT, Rung.RECONNECT)),
]


@pytest.mark.parametrize(("fact", "cause", "first"), BY_FACT)
def test_each_code_and_kind_leads_to_its_cause_and_first_step(
    fact: Fact, cause: Cause, first: tuple[Verb, Rung | None]
) -> None:
    proof = after(fact)
    assert cause_of(proof, half_paired=False, waiting_qr=False) is cause
    decision = decide(case(cause, seen=view(cause=cause, proved_at=proof.at)))
    assert (decision.verb, decision.rung) == first


def test_the_table_of_codes_is_covered() -> None:
    codes = {getattr(fact, "code", None) for fact, _, _ in BY_FACT}
    assert codes >= set(BY_CODE) | {408, 428, 500, 503, 515}
    assert {getattr(fact, "kind", None) for fact, _, _ in BY_FACT} >= set(BY_KIND)


def test_codes_that_may_be_over_in_a_moment_are_waited_for_first() -> None:
    for code in (408, 428, 500, 503, 515):
        cause = cause_after(down(NOW, code))
        fresh = view(timer=Timer(Phase.WAITING, 100.0), cause=cause)
        assert findings.of_company(fresh, case().limits) == {}
        assert decide(case(cause, seen=fresh)).reason is Reason.TOO_EARLY


def test_a_login_used_twice_is_left_alone_at_first() -> None:
    proof = after(closed(CloseKind.REPLACED, 440, NOW))
    decision = decide(case(Cause.REPLACED, seen=view(cause=Cause.REPLACED, proved_at=proof.at)))
    assert (decision.verb, decision.reason) == (Verb.HOLD, Reason.TOO_EARLY)


OTHER_ROWS = [
    (Cause.HALF_PAIRED, (Verb.ACT, Rung.PAIR_AGAIN)),
    (Cause.PHANTOM, (Verb.ACT, Rung.RECONNECT)),
    (Cause.WAITING_QR, (Verb.HUMAN, None)),
    (Cause.CREDS_DAMAGED, (Verb.ASK, Rung.RESTORE_CREDS)),
    (Cause.CREDS_CHANGED, (Verb.HUMAN, None)),
    (Cause.REPORTED_CORRUPT, (Verb.ASK, Rung.RELINK)),
    (Cause.FLAPPING, (Verb.NONE, None)),
    (Cause.HOST_OFFLINE, (Verb.NONE, None)),
    (Cause.WHATSAPP_UNREACHABLE, (Verb.NONE, None)),
    (Cause.FLEET_DOWN, (Verb.NONE, None)),
]


@pytest.mark.parametrize(("cause", "first"), OTHER_ROWS)
def test_rows_that_no_code_tells(cause: Cause, first: tuple[Verb, Rung | None]) -> None:
    decision = decide(case(cause))
    assert (decision.verb, decision.rung) == first


MAIN = Subject(Scope.GATEWAY, "main")


def test_rows_of_a_gateway() -> None:
    can = Can(restart_process=True)
    dead = decide(case(Cause.GATEWAY_DOWN, can=can, subject=MAIN))
    assert (dead.verb, dead.rung) == (Verb.ACT, Rung.RESTART_PROCESS)
    once = tried(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN)
    assert decide(case(Cause.GATEWAY_DOWN, once, can=can, subject=MAIN)).verb is Verb.HUMAN
    assert decide(case(Cause.GATEWAY_MISCONFIGURED, can=can, subject=MAIN)).verb is Verb.HUMAN


@pytest.mark.parametrize("cause", [Cause.LOGGED_OUT, Cause.REPLACED, Cause.ACCOUNT_BLOCKED, Cause.CLIENT_TOO_OLD])
@pytest.mark.parametrize("policy", ["ask", "auto"])
def test_no_cause_is_reconnected_or_relinked_where_that_is_useless_or_harmful(cause: Cause, policy: str) -> None:
    forbidden = {
        Cause.LOGGED_OUT: {Rung.RECONNECT},
        Cause.REPLACED: {Rung.RELINK, Rung.CLEANUP},
        Cause.ACCOUNT_BLOCKED: {Rung.RECONNECT, Rung.RELINK},
        Cause.CLIENT_TOO_OLD: {Rung.RECONNECT, Rung.RELINK},
    }[cause]
    taken = [tried(rung, cause, Outcome.FAILED) for rung in Rung if rung not in forbidden]
    for count in range(len(taken) + 1):
        for handed in (False, True):
            decision = decide(case(cause, *taken[:count], needs_human=handed, fleet=ACTING))
            assert decision.rung not in forbidden


# --- which proof wins ----------------------------------------------------------------------------------------------


def test_the_newest_proof_wins() -> None:
    assert cause_after(down(code=403), down(code=440)) is Cause.REPLACED
    assert cause_after(down(code=440), down(code=403)) is Cause.ACCOUNT_BLOCKED


@pytest.mark.parametrize("fact", [down(code=440), down(code=403), closed(CloseKind.QR_ENDED, 408), down(code=428)])
def test_a_dead_login_stays_dead_until_it_opens(fact: Fact) -> None:
    assert cause_after(REMOVED, fact) is Cause.LOGGED_OUT


@pytest.mark.parametrize(
    "fact",
    [
        closed(CloseKind.OTHER),
        closed(CloseKind.LOST, 428),
        closed(CloseKind.CONNECT_ERROR, 408),
        down(code=500),
        down(),
        seen(ConnState.CONNECTING),
        seen(ConnState.UNKNOWN, code=440),
        Tick(at=NOW),
    ],
)
def test_what_proves_nothing_takes_no_proof_away(fact: Fact) -> None:
    before = after(closed(CloseKind.REPLACED, 440))
    assert step(before, fact) == before


def test_a_code_without_a_cause_is_kept_to_be_told() -> None:
    state = after(down(code=428))
    assert (state.cause, state.code, state.at) == (None, 428, None)
    assert after(closed(CloseKind.LOST), state=state).code == 428
    assert after(down(code=440), state=state).code == 440
    assert after(closed(CloseKind.REPLACED), state=state).code is None


def test_a_removed_device_is_remembered_beside_its_code() -> None:
    state = after(down(code=401), closed(CloseKind.DEVICE_REMOVED))
    assert (state.code, state.device_removed) == (401, True)
    assert not after(down(code=401)).device_removed
    assert after(REMOVED, down(code=401)).device_removed


def test_the_first_proof_keeps_its_time() -> None:
    state = after(closed(CloseKind.REPLACED, 440, NOW), closed(CloseKind.REPLACED, 440, NOW + 300))
    assert (state.at, state.logged_at) == (NOW, NOW + 300)


def test_an_opening_from_before_the_proof_that_is_read_again_takes_it_not_away() -> None:
    proved = after(REMOVED)
    earlier = StreamOpened(at=NOW - 1, gateway="main", company="acme")
    assert after(earlier, state=proved) == proved
    assert after(OPENED, state=proved) == State()


@pytest.mark.parametrize("fact", [OPENED, PAIRED])
def test_an_opening_or_a_pairing_in_the_log_ends_every_proof(fact: Fact) -> None:
    assert step(after(REMOVED), fact) == State()
    assert step(State(code=428), fact) == State()


def test_the_log_outweighs_a_status_that_says_connected_for_a_minute() -> None:
    state = after(REMOVED)
    assert step(state, up(NOW + 60)) == state
    assert step(state, up(NOW + 61)) == State()


def test_a_proof_that_is_repeated_outweighs_for_another_minute() -> None:
    state = after(REMOVED, closed(CloseKind.DEVICE_REMOVED, 401, NOW + 50))
    assert step(state, up(NOW + 100)) == state
    assert step(state, up(NOW + 111)) == State()


def test_a_status_is_undone_by_the_next_status_at_once() -> None:
    assert step(after(down(NOW, 440)), up(NOW + 5)) == State()


@pytest.mark.parametrize("jump_s", [-8 * 3600, -3600, 3600, 8 * 3600])
def test_a_clock_that_was_set_does_not_prolong_the_minute(jump_s: float) -> None:
    assert step(after(REMOVED), up(NOW + jump_s)) == State()


def test_a_phantom_ends_no_proof() -> None:
    state = after(REMOVED)
    assert step(state, seen(ConnState.CONNECTED, NOW + 600, paired=False)) == state


def test_nothing_known_stays_nothing_known() -> None:
    state = State()
    assert step(state, up()) is state


@pytest.mark.parametrize(
    ("state", "half_paired", "waiting_qr", "cause"),
    [
        (after(REMOVED), True, True, Cause.HALF_PAIRED),
        (after(REMOVED), False, True, Cause.LOGGED_OUT),
        (after(down(code=440)), True, True, Cause.WAITING_QR),
        (after(down(code=440)), True, False, Cause.REPLACED),
        (State(), True, True, Cause.WAITING_QR),
        (State(), True, False, Cause.DISCONNECTED),
    ],
)
def test_a_proof_a_folder_and_a_qr_together(state: State, half_paired: bool, waiting_qr: bool, cause: Cause) -> None:
    assert cause_of(state, half_paired=half_paired, waiting_qr=waiting_qr) is cause


def test_what_a_code_proves_ignores_the_brake_and_what_does_not_waits() -> None:
    assert {Cause.LOGGED_OUT, Cause.ACCOUNT_BLOCKED, Cause.REPLACED} <= PROVED
    assert not PROVED & {Cause.DISCONNECTED, Cause.PHANTOM, Cause.WAITING_QR, Cause.CLIENT_TOO_OLD}


def test_a_status_proves_something_only_when_it_says_disconnected() -> None:
    for state in (ConnState.CONNECTING, ConnState.WAITING_QR, ConnState.UNKNOWN):
        assert after(seen(state, code=401)) == State()
    assert after(down()) == State()


# --- whose end was proved -------------------------------------------------------------------------------------------


def login(identity: str | None, *, paired: bool = True, half: bool = False) -> Fact:
    creds = Creds(CredsState.WHOLE, paired=paired and not half, half_paired=half, identity=identity)
    return CredsSeen(at=NOW, company="acme", creds=creds)


NO_LOGIN = CredsSeen(at=NOW, company="acme", creds=Creds(CredsState.MISSING))


@pytest.mark.parametrize("proof", [REMOVED, down(code=401), down(code=403), closed(CloseKind.REPLACED, 440)])
def test_another_login_that_was_paired_since_is_not_condemned_by_the_end_of_the_one_before(proof: Fact) -> None:
    state = after(login("one"), proof, NO_LOGIN)
    assert holds_for_what_lies_there(state)
    assert not holds_for_what_lies_there(after(login("two"), state=state))
    assert after(login("two"), state=state).cause is state.cause  # that the session is down is still so
    assert holds_for_what_lies_there(after(login("two"), closed(CloseKind.DEVICE_REMOVED, 401, NOW + 5), state=State()))


TORN = CredsSeen(at=NOW, company="acme", creds=Creds(CredsState.TORN))


@pytest.mark.parametrize("later", [login("one"), NO_LOGIN, login("two", paired=False), TORN])
def test_the_same_login_or_none_takes_no_proof_away(later: Fact) -> None:
    before = after(login("one"), REMOVED)
    assert before == State(Cause.LOGGED_OUT, 401, NOW, True, NOW, "one", "one")
    assert step(before, later) == before


def test_a_login_that_is_seen_for_the_first_time_is_the_one_that_was_proved_dead() -> None:
    assert holds_for_what_lies_there(after(REMOVED, login("one")))
    assert holds_for_what_lies_there(after(TORN, REMOVED, login("one")))


def test_unless_there_was_none_when_it_was_proved() -> None:
    for none in (NO_LOGIN, login("x", paired=False)):
        assert not holds_for_what_lies_there(after(none, REMOVED, login("one")))


def test_the_end_of_half_a_login_says_nothing_of_the_whole_one_that_comes_back() -> None:
    half = after(login("one"), NO_LOGIN, login("half", half=True), down(code=401))
    assert cause_of(half, half_paired=True, waiting_qr=False) is Cause.HALF_PAIRED
    assert holds_for_what_lies_there(half)
    assert not holds_for_what_lies_there(after(NO_LOGIN, login("one"), state=half))


def test_a_status_repeats_a_proof_and_a_new_line_of_the_log_is_about_the_login_of_now() -> None:
    other = after(login("one"), REMOVED, login("two"))
    for repeated in (down(NOW + 5, 401), REMOVED):
        assert step(other, repeated).of == "one"
    assert step(other, closed(CloseKind.DEVICE_REMOVED, 401, NOW + 5)).of == "two"
    assert after(login("one"), down(code=401), login("two"), REMOVED).of == "two"


@pytest.mark.parametrize("fact", [OPENED, PAIRED, up(NOW + 61)])
def test_a_login_that_opens_is_remembered(fact: Fact) -> None:
    assert after(login("one"), REMOVED, fact) == State(login="one")
    assert after(login("one"), down(code=503), up()) == State(login="one")


def told_again(kind: CloseKind, code: int | None = None) -> Fact:
    return closed(kind, code, NOW + 9)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((REMOVED,), State(Cause.LOGGED_OUT, 401, NOW, True, NOW)),
        ((closed(CloseKind.LOGGED_OUT, 401),), State(Cause.LOGGED_OUT, 401, NOW, False, NOW)),
        ((down(NOW, 401),), State(Cause.LOGGED_OUT, 401, NOW)),
        ((down(NOW, 401), told_again(CloseKind.DEVICE_REMOVED)), State(Cause.LOGGED_OUT, 401, NOW, True, NOW + 9)),
        ((REMOVED, down(NOW + 5, 401)), State(Cause.LOGGED_OUT, 401, NOW, True, NOW)),
        ((down(NOW, 440), down(NOW + 5, 403)), State(Cause.ACCOUNT_BLOCKED, 403, NOW + 5)),
        ((down(NOW, 402), down(NOW + 5, 403)), State(Cause.ACCOUNT_BLOCKED, 403, NOW)),
        ((down(NOW, 440), told_again(CloseKind.LOGGED_OUT)), State(Cause.LOGGED_OUT, None, NOW + 9, False, NOW + 9)),
        ((REMOVED, down(NOW + 5, 440)), State(Cause.LOGGED_OUT, 401, NOW, True, NOW)),
        ((closed(CloseKind.LOST, 428),), State(code=428)),
        ((closed(CloseKind.LOST, 428), closed(CloseKind.LOST, None)), State(code=428)),
        ((down(NOW, 503),), State(code=503)),
        ((down(NOW, 440), down(NOW + 5, 503)), State(Cause.REPLACED, 440, NOW)),
        ((closed(CloseKind.REPLACED), told_again(CloseKind.REPLACED)),
         State(Cause.REPLACED, at=NOW, logged_at=NOW + 9)),
    ],
)  # fmt: skip
def test_what_is_kept_of_the_proofs(facts: tuple[Fact, ...], state: State) -> None:
    assert after(*facts) == state
