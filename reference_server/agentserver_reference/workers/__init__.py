"""Background loops. Each runs in one of the processes at a time, and works through services."""
