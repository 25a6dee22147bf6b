"""Networks for the score of mixtures of common isotropic variance: design, assembly, proved error (A4 to A6)."""
