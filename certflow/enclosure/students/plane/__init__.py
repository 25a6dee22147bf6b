"""Students in the plane: the exact flow on cells of the data end, and what maps differ from it there."""
