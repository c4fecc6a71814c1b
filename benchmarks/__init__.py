"""Measurements; each module prints a table: `python -m benchmarks.sweep`, or all: `make bench`."""
