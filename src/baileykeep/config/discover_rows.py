"""Which companies there are, from the ids in a gateway's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from baileykeep.config.fields import COMPANY_ID
from baileykeep.config.store_tables import PostgresTable
from baileykeep.model.errors import StoreError


@dataclass(frozen=True, slots=True)
class Rows:
    """The ids in the tables by company; why some were left out; and why nothing could be asked ("" where it could).

    `strangers` are ids that name none of our companies.
    """

    companies: Mapping[str, str] = field(default_factory=dict)
    odd: tuple[tuple[str, str], ...] = ()
    failure: str = ""
    strangers: frozenset[str] = frozenset()


Ask = Callable[[PostgresTable], Rows]


def ask_rows(table: PostgresTable) -> Rows:
    """Ask the database. One that cannot be asked has no companies, which does not mean that they are gone."""
    from baileykeep.stores.postgres.survey import check_shape, companies

    try:
        check_shape(table.spec())
        return sorted_out(table, companies(table.spec()))
    except StoreError as error:
        return Rows(failure=str(error))


def sorted_out(table: PostgresTable, ids: tuple[str, ...]) -> Rows:
    """Ids that the template writes; those of other shapes are none of ours."""
    companies, odd = {}, []
    for row in ids:
        company = table.company_of(row)
        if company is None:
            continue
        if COMPANY_ID.fullmatch(company):
            companies[company] = row
        else:
            odd.append((repr(row[:80]), "does not carry a usable company id"))
    return Rows(companies, tuple(odd), strangers=frozenset(ids) - frozenset(companies.values()))
