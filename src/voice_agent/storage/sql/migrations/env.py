"""Run by Alembic on the connection that `schema.py` hands over."""

from alembic import context

from voice_agent.storage.sql.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
