"""The side of gunicorn: its worker, its log and the files in which its workers count."""
