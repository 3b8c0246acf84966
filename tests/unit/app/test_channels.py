"""The ways to reach people are made as configured, and nobody waits for what is not."""

from __future__ import annotations

import subprocess
import sys


def test_an_installation_without_a_bot_does_not_import_its_library() -> None:
    code = "import sys, baileykeep.app.daemon; print('aiogram' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
