"""How data gets in: seed files, the demo world, bulk data."""
