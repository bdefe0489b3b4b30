"""The HTTP layer: route contracts, input, errors, output, logs and metrics."""
