"""`docs/configuration.md`, from the schema."""

from __future__ import annotations

from collections.abc import Iterator

from baileykeep.config.diff import RESTART
from baileykeep.config.keys import Key, Section, sections
from baileykeep.config.limit_checks import ASCENDING, OR_EQUAL
from baileykeep.config.limit_tables import BOUNDS, SHARED, written
from baileykeep.config.schema import Company, Installation
from baileykeep.config.units import format_duration
from tests.docs.markdown import table

INTRO = """\
# Configuration

`config/baileykeep.toml` describes the installation, `config/companies/<id>.toml` what is known of one company and where
it differs. Neither has to name a company that lies in a sessions folder: it is found there. `baileykeep config check`
tells everything that is wrong, `baileykeep config show COMPANY` what it comes to for one company and where each value
comes from.

- **Durations** are written `"90s"`, `"10m"`, `"1h30m"`, `"7d"`; a plain number is seconds.
- **Saving applies within a second**, to the companies that it concerns. These wait for a restart: {restart}.
- **A mistake changes nothing.** A bad company file keeps that company's last good values (a company that never had any
  is left alone), a bad installation file keeps the whole installation's; file, key and reason are told and show in
  `baileykeep health`. Unknown keys are mistakes.
- **Environment variables win over files.** `BAILEYKEEP_GATEWAYS__MAIN__URL` is `gateways.main.url`,
  `BAILEYKEEP_COMPANIES__997441__ENABLED` is `enabled` of that company. Case does not matter, a dash in a name becomes
  an underscore, lists are written `[1, 2]`.
- **Secrets** come from `<key>_file`, from the environment variable named by `<key>_env`, from `BAILEYKEEP_…`, or from a
  systemd credential called {credentials}. Written into the file in plain they work too, with a warning where others can
  read it. They are never printed.
- **Dialects of your own** lie in `config/dialects/<name>.toml`; a change there applies like any other.

Company ids are letters, digits, dot, dash and underscore, at most 64. In a sessions folder, links are reported and not
followed, names that look like copies (`company_42.bak`) are left out unless a company file says otherwise, and under a
bare `…/{{company}}` only folders with Baileys files in them count. Two companies with one phone, folder or key are a
mistake.
"""

CREDENTIALS = (
    "telegram_token",
    "http_token",
    "heartbeat_url",
    "offsite_secret",
    "gateways_<name>_secret",
    "companies_<id>_secret",
)


def page() -> str:
    """The whole page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    restart, credentials = (", ".join(f"`{name}`" for name in names) for names in (RESTART, CREDENTIALS))
    yield INTRO.format(restart=restart, credentials=credentials)
    yield "## The installation: `baileykeep.toml`\n"
    yield from _file(section for section in sections(Installation) if not _of_limits(section))
    yield "## A company: `companies/<id>.toml`\n"
    yield "It may also hold every `[limits.*]` table below that says so, with only the keys that differ.\n"
    yield from _file(section for section in sections(Company) if not _of_limits(section))
    yield "## Limits\n"
    yield "In `baileykeep.toml` for all companies, in a company's file for that one.\n"
    for section in sections(Installation):
        if _of_limits(section):
            yield _limits(section)
    yield _rules()


def _of_limits(section: Section) -> bool:
    return section.header.startswith("[limits")


def _file(found: Iterator[Section]) -> Iterator[str]:
    for section in found:
        heading = f"### `{section.header}`\n\n{section.doc}\n" if section.header else ""
        yield f"{heading}\n{_keys(section.keys)}\n".lstrip("\n")


def _keys(keys: tuple[Key, ...]) -> str:
    return table(("key", "holds", "default", "meaning"), [_row(key) for key in keys])


def _row(key: Key) -> tuple[str, str, str, str]:
    default = "**required**" if key.required else f"`{key.default}`" if key.default else "–"
    return f"`{key.name}`", key.kind, default, key.doc


def _limits(section: Section) -> str:
    name = section.header.strip("[]").removeprefix("limits.")
    whose = "For the whole installation only." if name in SHARED else "A company may override it."
    return f"### `{section.header}`\n\n{section.doc} {whose}\n\n{_keys(section.keys)}\n"


def _rules() -> str:
    lines = ["### Rules between limits\n"]
    for section, rows in ASCENDING.items():
        sign = " ≤ " if section in OR_EQUAL else " < "
        lines += [f"- `{section}`: {sign.join(f'`{written(name)}`' for name in row)}" for row in rows]
    lines.append("- `thresholds`: `hysteresis` is less than the distance between any two neighbouring bounds")
    lines.append("\nLowest and highest values, where they are not just 0 for durations and 1 for counts:\n")
    lines += [f"- `{section}.{written(name)}`: {_bound(section, name)}" for section, name in BOUNDS]
    return "\n".join(lines) + "\n"


def _bound(section: str, name: str) -> str:
    low, high = BOUNDS[section, name]
    least = f"at least {_shown(name, low)}"
    return least if high is None else f"{least}, at most {_shown(name, high)}"


def _shown(name: str, value: float) -> str:
    return format_duration(value) if name.endswith("_s") else f"{value:g}"
