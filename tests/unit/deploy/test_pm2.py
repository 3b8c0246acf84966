import json
import shutil
import subprocess

import pytest

from tests.unit.deploy.files import DEPLOY

ECOSYSTEM = DEPLOY / "pm2" / "ecosystem.config.cjs"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_pm2_runs_one_daemon_and_gives_it_time_to_end() -> None:
    script = f"process.stdout.write(JSON.stringify(require({json.dumps(str(ECOSYSTEM))})))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=30, check=True)
    (app,) = json.loads(done.stdout)["apps"]
    assert app["script"].endswith("/bin/baileykeep")
    assert app["args"][0] == "run"
    assert app["interpreter"] == "none"
    assert (app["instances"], app["exec_mode"], app["watch"]) == (1, "fork", False)
    assert app["stop_exit_codes"] == [2]
    assert app["kill_timeout"] >= 120_000
