"""A whole sweep, from recipe to directory: its models, their results, the best one."""
