"""Networks: residual maps, many at once."""
