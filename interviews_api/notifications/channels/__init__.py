"""Channels: how a delivery is sent by e-mail, Web Push and webhook."""
