"""``vag sim evaluate``: what generated actions and videos are worth in unseen scenes."""
