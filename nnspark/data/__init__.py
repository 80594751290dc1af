"""From rows to a plan and blocks, the same whatever route they came by."""
