"""The command line and its fake daemon, as the tests of the commands have them."""

from tests.unit.cli.conftest import config, daemon, run

__all__ = ["config", "daemon", "run"]
