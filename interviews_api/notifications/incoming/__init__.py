"""Incoming mail: the replies that candidates' calendars send to reply addresses."""
