"""Alembic's entry: migrates over the connection that `journal.database` hands in, inside its transaction."""

from alembic import context

from baileykeep.journal.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
