"""People on call: they read what reaches them, press buttons at good and at bad moments, and scan QRs or do not."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baileykeep.model.errors import BaileykeepError
from baileykeep.model.records import Notice

if TYPE_CHECKING:
    from tests.simulation.sessions import Session
    from tests.simulation.world import World

BUTTONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("reconnect", {}),
    ("reconnect", {}),
    ("cleanup", {}),
    ("cleanup", {"force": True}),
    ("relink", {}),
    ("relink", {"replace_login": True}),
    ("reset", {"replace_login": True}),
    ("backup", {}),
    ("restore", {}),
    ("pause", {"seconds": 1200}),
    ("pause", {"seconds": 7200}),
    ("pause all", {"seconds": 900}),
    ("pause gateway", {"seconds": 900}),
    ("resume", {}),
    ("ack", {}),
    ("approve", {}),
    ("reject", {}),
    ("clear_corrupted", {}),
    ("qr", {}),
    ("pairing_code", {}),
    ("forget", {}),
    ("reload", {}),
    ("overview", {}),
    ("explain", {}),
    ("plan", {}),
    ("inspect", {}),
    ("events", {}),
)


class People:
    """One mood a day: some days nobody answers."""

    def __init__(self, world: World, rng: random.Random):
        self._world = world
        self._rng = rng
        self.answers = rng.choice((0.2, 0.7, 0.95))
        self.scans = rng.choice((0.1, 0.6, 0.95))
        self._answered: set[tuple[str, int]] = set()

    # --- answering ----------------------------------------------------------------------------------------------

    def told(self, notices: Sequence[Notice]) -> None:
        """A message arrived; a question in it may be answered: soon, late, twice, or never."""
        for notice in notices:
            approval = notice.data.get("approval")
            if approval is None or approval["state"] != "open":
                continue
            question = (str(notice.incident), int(approval["revision"]))
            if question not in self._answered:
                self._answered.add(question)
                self._answer(*question)

    def _answer(self, incident: str, revision: int) -> None:
        rng, world = self._rng, self._world
        if rng.random() > self.answers:
            return
        delay = rng.choice((20.0, 120.0, 600.0, 1700.0, 2500.0)) * (0.5 + rng.random())
        words = ["approve" if rng.random() < 0.75 else "reject"]
        if rng.random() < 0.25:
            words.append(rng.choice(("approve", "reject")))
        for place, word in enumerate(words):
            args = {"incident": incident, "revision": revision}
            world.at(world.now + delay + 3.0 * place, lambda word=word, args=args: self.press(word, args))  # type: ignore[misc]

    def qr_shown(self, session: Session) -> None:
        """Somebody may be there with the phone, at once or after a while."""
        world = self._world
        if self._rng.random() < self.scans:
            epoch = session.epoch
            delay = self._rng.uniform(8.0, 140.0)
            world.at(world.now + delay, lambda: session.scan() if session.epoch == epoch else None)

    # --- pressing -----------------------------------------------------------------------------------------------

    def button(self, company: str, dice: float) -> None:
        """Some button, for this company."""
        name, args = BUTTONS[int(dice * len(BUTTONS)) % len(BUTTONS)]
        if name == "pause all":
            self.press("pause", args)
        elif name == "pause gateway":
            self.press("pause", {**args, "gateway": self._world.sessions[company].gateway.model.name})
        elif name in ("overview", "reload"):
            self.press(name, args)
        elif name == "restore":
            self._restore(company, dice)
        elif name == "events":
            self.press(name, {"company": company, "limit": 20})
        else:
            self.press(name, {"company": company, **args})

    def _restore(self, company: str, dice: float) -> None:
        names = self._world.archives.names(company)
        if names:
            mode = "full" if dice * 1000 % 2 < 1 else "identity"
            backup = names[int(dice * 7919) % len(names)]
            self.press("restore", {"company": company, "backup": backup, "mode": mode})

    def press(self, command: str, args: Mapping[str, Any]) -> None:
        """One command of the control protocol, if a daemon is there to hear it."""
        self._world.service.spawn(self._press, command, dict(args))

    async def _press(self, command: str, args: dict[str, Any]) -> None:
        world = self._world
        core = world.core
        if core is None:
            return
        who = args.get("company") or args.get("incident") or "host"
        try:
            answer = await core.control.call(command, args, "Ann")
        except BaileykeepError as error:
            world.trace(str(args.get("company", "host")), f"! {command} {who}: {error.code}")
        else:
            world.trace(str(args.get("company", "host")), f"! {command} {who}")
            world.oracles.commanded(command, args, answer)
