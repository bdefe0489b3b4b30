"""Live updates: a candidate's changes over a WebSocket, read from the event log."""
