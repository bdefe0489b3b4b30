"""`flask worker` with a lease of two seconds: `python -m tests.support.worker_process`.

It prints when it is about to send and when it has sent, so a test can kill it with a claim in hand.
"""

import signal
from datetime import timedelta
from typing import Any

from interviews_api import create_app
from interviews_api.config import Settings
from interviews_api.db.connections import Database
from interviews_api.notifications.channels.smtp import mail_sender
from interviews_api.notifications.commands import CONCURRENCY
from interviews_api.notifications.models import Channel
from interviews_api.notifications.worker.channel_worker import make_channel_workers
from interviews_api.notifications.worker.worker import Worker
from interviews_api.services import register_services, service

LEASE_TIME = timedelta(seconds=2)

if __name__ == "__main__":
    app = create_app()
    settings = service(Settings, app)
    register_services(app, Database(settings.database_url, pool_size=8))
    send = mail_sender(settings)

    def send_aloud(*about: Any) -> None:
        print("sending", flush=True)
        send(*about)
        print("sent", flush=True)

    channel_workers = make_channel_workers(app, {Channel.EMAIL: send_aloud}, CONCURRENCY, lease_time=LEASE_TIME)
    worker = Worker(app, list(channel_workers))
    signal.signal(signal.SIGTERM, worker.stop)
    worker.run()
