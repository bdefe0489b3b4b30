"""The HTTP edge: contracts, input, errors, output and what operators watch."""
