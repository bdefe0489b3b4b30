"""Markers that no log may hold."""

CANARY = "planted-canary"
