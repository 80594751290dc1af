"""Rows in, answers out: a model applied to DataFrames and files."""
