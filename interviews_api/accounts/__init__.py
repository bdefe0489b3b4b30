"""Who signs in: users, candidates, tokens."""
