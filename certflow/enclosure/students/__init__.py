"""Students, maps given by their weights, against the exact flow: proved errors, Lipschitz constants, laws."""
