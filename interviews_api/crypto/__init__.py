"""Public keys of the identity provider, and the key pair for push services."""
