"""A MuJoCo twin of the Agilex Cobot Magic: scene, tasks, demonstrator and clearance."""

from vag_sim.gl import choose_backend

choose_backend()
