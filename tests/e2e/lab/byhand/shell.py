"""What makes a second terminal know the lab: `. FOLDER/env` puts `baileykeep` and `lab` on its path."""

from __future__ import annotations

import shlex
import sys

from tests.crash.processes import REPO
from tests.e2e.lab.byhand.place import Place

WRAPPER = """\
#!/bin/sh
BAILEYKEEP_CONFIG={config} PYTHONPATH={path} exec {python} -P -m {module} "$@"
"""

ENVIRONMENT = """\
# sh: . {root}/env
PATH={root}/bin:$PATH
LAB={root}
GATEWAY={gateway}
SECRET={secret}
HTTP={http}
TOKEN={token}
"""


def write(place: Place) -> None:
    """Write the commands and the variables for a shell; nobody else may read them."""
    folder = place.root / "bin"
    folder.mkdir(exist_ok=True)
    path = f"{REPO / 'src'}:{REPO}"
    for name, module in (
        ("baileykeep", "baileykeep"),
        ("lab", f"tests.e2e.lab --folder {shlex.quote(str(place.root))}"),
    ):
        text = WRAPPER.format(
            config=shlex.quote(str(place.config)), path=shlex.quote(path), python=shlex.quote(sys.executable),
            module=module,
        )  # fmt: skip
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    values = {
        "root": place.root, "gateway": place.gateway.url, "secret": place.gateway.secret,
        "http": place.http.url, "token": place.http.token,
    }  # fmt: skip
    (place.root / "env").write_text(ENVIRONMENT.format_map({k: shlex.quote(str(v)) for k, v in values.items()}))
