"""Score networks in exact arithmetic: their error in `L^2(p_t)`, and the error of a solver that asks them."""
