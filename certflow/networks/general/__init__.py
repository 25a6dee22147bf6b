"""Networks for the score of mixtures whose covariances differ or are no multiples of the identity (A4 to A6)."""
