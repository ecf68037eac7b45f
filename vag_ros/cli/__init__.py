"""Verbs of the `vag` command that need ROS."""
