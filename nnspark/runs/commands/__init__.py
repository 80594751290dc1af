"""The commands: each a ``main`` that takes the words of its command line."""
