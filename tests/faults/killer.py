"""A process whose children die at every operation of one scene: `python -m tests.faults.killer SCENE FOLDER`.

It has no other threads, so that forking it is safe and cheap. Prints how many died; a broken promise ends it with
its traceback.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

from tests.faults.doors import Dying
from tests.faults.place import Place
from tests.faults.scenes import SCENES, Scene, recovered


def killed(scene: Scene, place: Place, at: int) -> bool:
    """Do the scene in a child that dies before its n-th operation; False when it had fewer."""
    child = os.fork()
    if not child:
        code = 1
        try:
            scene.act(place, Dying(at))
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it is, it is shown, and the child must not go on as a parent
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died or os.WEXITSTATUS(status) == 0, f"the child failed at {at}"
    return died


def main(name: str, folder: Path) -> int:
    """Kill at 1, 2, … until nothing is left to be killed."""
    scene = next(scene for scene in SCENES if scene.name == name)
    template, login = scene.prepare(folder / "template")
    at = 1
    while True:
        place = template.twin(f"at-{at}")
        if not killed(scene, place, at):
            break
        try:
            recovered(scene, place, login)
        except BaseException:
            print(f"{name}: killed before operation {at}", flush=True)
            raise
        place.gone()
        at += 1
    print(at - 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
