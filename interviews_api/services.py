"""The services of an application by their class: `service(Database)` is the database of the current application.

`create_app` registers each service once. A second registration replaces the first, as the worker does to have a
database with a pool of its own size.
"""

from typing import TypeVar

from flask import Flask, current_app

_EXTENSION = "interviews_api.services"

Service = TypeVar("Service")


def register_services(app: Flask, *services: object) -> None:
    """Make each object the application's service of its class."""
    app.extensions.setdefault(_EXTENSION, {}).update({type(service): service for service in services})


def service(kind: type[Service], app: Flask | None = None) -> Service:
    """Return the service of that class, by default of the current application; raises KeyError without one."""
    registered: Service = (app or current_app).extensions[_EXTENSION][kind]
    return registered
