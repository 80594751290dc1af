"""Benchmarks: nnspark and its peers, interleaved in one run. ``scripts/bench`` is the way in.

Each module is a subcommand with ``add_arguments(parser)``, ``run(args) -> dict`` and
``table(results) -> str``; modules whose name starts with an underscore are what they share.
"""
