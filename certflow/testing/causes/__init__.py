"""Faults by what code that has them would say: what fits a wrong answer everywhere is its likely cause."""
