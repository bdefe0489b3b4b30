"""The channels: e-mail, Web Push and webhooks."""
