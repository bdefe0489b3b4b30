"""Settings that the tests' applications and processes run with."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
BACKENDS = ("sqlite", "postgresql")
SECRETS = {"JWT_SECRET_KEY": "j" * 40, "SECRET_KEY": "s" * 40}
PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET_KEY": "7e1fa0c2b4d83695" * 2,
    "SECRET_KEY": "c94d05e8a1f7b263" * 2,
    "PUBLIC_URL": "https://interviews.example.com",
    "MAIL_FROM": "Interviews <no-reply@interviews.example.com>",
}
SPEED = ("CACHE_BYTES", "VERIFIED_TOKENS", "COMPILED_DUMP")  # `CACHE_BYTES=0 make test` runs the suite uncached
SETTINGS = SECRETS | {"CORS_ORIGINS": "http://localhost:3000", "RATELIMIT_ENABLED": "false"}
SETTINGS |= {name: os.environ[name] for name in SPEED if name in os.environ}
