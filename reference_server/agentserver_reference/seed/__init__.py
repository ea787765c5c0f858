"""`serve --seed FILE`: accounts, workspaces, members and limits for a server that starts."""
