"""The `vag` command: dispatch, and the verbs that need only the core."""
