"""Interviews: transitions, lists, calendar files, confirmation links and reminders."""
