"""Users, companies, sessions, tokens, passwords, rate limits and idempotency keys."""
