"""Students in one dimension: the flow through distribution functions, errors by cells."""
