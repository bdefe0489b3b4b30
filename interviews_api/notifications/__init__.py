"""Notifications: deliveries by e-mail, Web Push and webhook, and the worker that makes and sends them."""
