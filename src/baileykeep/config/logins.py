"""From where a company's login lies to the store that works on it."""

from __future__ import annotations

from baileykeep.config.discover import Placement
from baileykeep.config.settings import Settings
from baileykeep.fsys import Fsys
from baileykeep.stores.base import AuthStore
from baileykeep.stores.files import FileStore


def store_of(settings: Settings, placement: Placement, fsys: Fsys | None = None) -> AuthStore | None:
    """The store of a company; None where its gateway keeps the logins out of reach."""
    table = settings.gateways[placement.gateway].postgres
    if placement.row is not None and table is not None:
        from baileykeep.stores.postgres.database import database_of
        from baileykeep.stores.postgres.store import PostgresStore

        return PostgresStore(placement.company, placement.row, database_of(table.spec()))
    return FileStore(placement.company, placement.folder, fsys) if placement.folder is not None else None
