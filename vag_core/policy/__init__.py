"""A small behaviour-cloning policy: picture, joint state and instruction to the next actions."""
