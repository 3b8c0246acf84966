"""What an action's own steps tell the safety monitor, each before the effect it speaks of unless it says otherwise.

Evidence is what was seen, never what it means: whether a stop is proved or a removal is covered is judged in
`rules.invariants`, from these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from baileykeep.model.backup import Backup
from baileykeep.model.incident import Approval, Attempt, Cause, Rung
from baileykeep.model.inventory import FileEntry
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What held for everybody, or for this subject from outside, when an action was about to begin.

    `waits_until` is its turn after a brake that lifted; `beside` names running actions that this one would cross;
    `window`: its maintenance window is open; `window_left_s`: how long it stays so; `neighbours` names actions on other
    companies of its gateway; `unwell` what is wrong with it besides its folder; `failed_near` who of its gateway did
    not come back from a window's cleanup a short while ago.
    """

    acting: bool = True
    shutting_down: bool = False
    paused: bool = False
    breached: bool = False
    online: bool = True
    whatsapp: bool = True
    braked: bool = False
    waits_until: float | None = None
    started_at: float = 0.0
    jumped_at: float | None = None
    beside: tuple[str, ...] = ()
    can_reconnect: bool = True
    window: bool = False
    window_left_s: float = 0.0
    neighbours: tuple[str, ...] = ()
    unwell: tuple[str, ...] = ()
    failed_near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """The incident that an action belongs to, as far as its order and its consent go."""

    cause: Cause
    attempts: tuple[Attempt, ...] = ()
    approval: Approval | None = None
    fresh_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Begun:
    """An action is about to be journaled. `manual`: an operator asked for it, outside any incident's ladder."""

    attempt: Attempt
    manual: bool
    situation: Situation
    story: Story | None = None
    history: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Intended:
    """The intent is in the journal (told afterwards)."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """An action that a dead daemon had begun is taken up; `steps` are those it had begun, oldest first."""

    attempt: Attempt
    manual: bool
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookedAgain:
    """The symptom was looked at again; `wrong`: it is still there, or an operator wants the action anyway."""

    wrong: bool


@dataclass(frozen=True, slots=True)
class StepBegun:
    """A step is about to have its effect. `must_come`: whatever happens, like a start after a stop."""

    name: str
    journaled: bool = True
    must_come: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at the session: `stopped`, or `running` and perhaps even `open` (connected), or nobody knows.

    `token` is that of the folder's listing, where it was listed too.
    """

    stopped: bool
    open: bool = False
    running: bool = False
    token: str | None = None


@dataclass(frozen=True, slots=True)
class StillBefore:
    """Before the action began, every look from `since_s` to `looked_s` (seconds that never jump) found the session
    stopped, and its folder as it lies under `token`."""

    since_s: float
    looked_s: float
    token: str


@dataclass(frozen=True, slots=True)
class CredsLooked:
    """The creds were looked at before a session is opened; `damaged`: empty, zeroed or torn, and they stayed so."""

    damaged: bool


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup was taken, and read again (then it has a hash)."""

    backup: Backup


class Way(StrEnum):
    """How files leave an auth folder."""

    CLEANUP = "cleanup"
    NAMED_ASIDE = "named_aside"
    WHOLE_ASIDE = "whole_aside"
    PUT_BACK = "put_back"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to go, and the listing that the plan was made from, when.

    `last_up_at` is when the session was last seen open; `forced` an operator's word that lowers the age floor.
    """

    names: tuple[str, ...]
    files: tuple[FileEntry, ...]
    token: str
    made_at: float
    last_up_at: float | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Removing:
    """Files are about to leave the folder. `files` and `token` are of a listing made just now."""

    way: Way
    names: tuple[str, ...]
    files: tuple[FileEntry, ...]
    token: str
    backup: Backup | None


@dataclass(frozen=True, slots=True)
class Removed:
    """Names that were there before a removal and are not any more (told afterwards)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """An action ended; `attempt` carries the outcome (told afterwards)."""

    attempt: Attempt


Sight = (
    Begun | Intended | Resumed | LookedAgain | StepBegun | Looked | StillBefore | CredsLooked | BackedUp | Planned
    | Removing | Removed | Ended
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sight with whom and which action it is of, at both times: epoch seconds, and seconds that never jump."""

    subject: Subject
    action: str
    at: float
    mono_s: float
    sight: Sight


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt as the monitor itself remembers it, besides the journal's history. `untouched`: as of attempts."""

    action: str
    rung: Rung
    cause: Cause
    begun_at: Moment
    by_itself: bool
    untouched: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was about to be broken (or was), and what was barred by that."""

    subject: Subject
    invariant: str
    text: str
    at: float
    action: str = ""
    barred: str = ""
