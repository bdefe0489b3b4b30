"""Seeding: seed files, the demo world and bulk data."""
