"""Bags of episodes: writing, reading, recovering, and turning them back into episodes."""
