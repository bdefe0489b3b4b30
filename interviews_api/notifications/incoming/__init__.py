"""Incoming mail: the answers that candidates' calendars send to reply addresses."""
