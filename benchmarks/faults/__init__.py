"""Faults that people make in scores and samplers, planted one at a time into plain right code."""
