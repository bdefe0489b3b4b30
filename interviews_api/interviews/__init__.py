"""The heart: interviews and what a candidate does with them."""
