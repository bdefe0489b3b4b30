"""What reaches people after the commit: deliveries by e-mail, Web Push and webhook, and the worker that makes them."""
