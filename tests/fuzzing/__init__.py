"""Inputs that know the form they break, and what may come of them."""
