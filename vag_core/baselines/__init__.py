"""Two-stage baselines: first a video, then the actions read from it."""
