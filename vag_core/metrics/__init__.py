"""Figures of merit of generated actions and videos, and their intervals."""
