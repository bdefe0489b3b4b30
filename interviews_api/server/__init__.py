"""Integration with gunicorn: its worker class, its logger and the metric files of its workers."""
