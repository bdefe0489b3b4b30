"""Integration with gunicorn: its worker class, its logger, its error responses and the metric files of its workers."""
