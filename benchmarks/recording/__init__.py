"""The record of performance: hot paths measured against fixed work, their history, its check and its picture."""
