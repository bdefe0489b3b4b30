"""Keys: the identity provider's, and ours for push services."""
