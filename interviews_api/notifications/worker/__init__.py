"""The worker process: it writes deliveries from events, and sends them.

`list_notices` in the web API runs the fan-out, too.
"""
