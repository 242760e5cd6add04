"""A planner's files, each kind by its own module, read into checked tables."""
