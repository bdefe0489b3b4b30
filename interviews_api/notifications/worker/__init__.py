"""The worker process: it turns events into deliveries, and sends them."""
