"""WSGI entry point of gunicorn and the flask command."""

from interviews_api import create_app
from interviews_api.config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(f"Refusing to start: {error}") from None
