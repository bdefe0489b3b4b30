"""Companies that candidates have muted, and which interviews the candidate confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.String(24).with_variant(sa.String(24, collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True)

# Of a confirmed interview without such an event the confirmation came by a seed file, which is the candidate's.
ACCEPTED = """
UPDATE interviews SET accepted_at = coalesce(
  (SELECT max(at) FROM events WHERE events.interview_id = interviews.id
   AND events.type = 'interview.confirmed' AND events.actor = 'candidate'),
  CASE WHEN NOT EXISTS (SELECT 1 FROM events WHERE events.interview_id = interviews.id
   AND events.type = 'interview.confirmed') THEN confirmed_at END)
WHERE status IN ('en_attente', 'confirmed')
"""


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    op.create_table(
        "muted_companies",
        sa.Column("candidate_id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_muted_companies_candidate_id_candidates"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["companies.id"],
            name=op.f("fk_muted_companies_company_id_companies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("candidate_id", "company_id", name=op.f("pk_muted_companies")),
    )
    op.create_index("ix_muted_companies_company_id", "muted_companies", ["company_id"])
    op.add_column("interviews", sa.Column("accepted_at", INSTANT, nullable=True))
    op.execute(ACCEPTED)


def downgrade() -> None:
    """Downgrade the schema to the previous revision."""
    op.drop_column("interviews", "accepted_at")
    op.drop_table("muted_companies")
