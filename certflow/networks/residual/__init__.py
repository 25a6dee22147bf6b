"""Residual networks whose layers are steps along the flow, with proved error bounds (A9, E4)."""
