"""gunicorn's settings, from the same environment as the application's."""

from interviews_api.config import Settings, SettingsError

try:
    settings = Settings.load()
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None

bind = f"{'0.0.0.0' if settings.is_production else '127.0.0.1'}:{settings.port}"  # noqa: S104
workers = settings.web_concurrency
threads = settings.web_threads
worker_class = "gthread"
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 8190
control_socket_disable = True  # on by default it writes to the home directory, and two masters share it
