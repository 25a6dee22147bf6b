"""Checks of other people's code, a module for each kind of subject."""
