"""``vag synthesize``: generated episodes, replayed in the twin and judged."""
