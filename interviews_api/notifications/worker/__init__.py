"""The worker process: it writes deliveries from events, and sends them."""
