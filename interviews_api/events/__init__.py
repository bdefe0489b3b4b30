"""Event log of interviews, and wake-ups after commits."""
