"""Replacement of an application's services for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from interviews_api.services import register_services, service


@contextmanager
def replaced_services(app: Flask, *services: object) -> Iterator[None]:
    """Register these services, and the former ones again at the end."""
    former = [service(type(replacement), app) for replacement in services]
    register_services(app, *services)
    try:
        yield
    finally:
        register_services(app, *former)
