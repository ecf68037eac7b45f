"""The measured joints that a generation starts from, for checkpoints that ask for them."""

import time

import numpy as np
from rclpy.node import Node

from vag_core.embodiment import Embodiment
from vag_core.robot import RobotProfile
from vag_core.safety.feedback import Feedback
from vag_ros.action import GenerateEpisode
from vag_ros.generation_goal import GoalRefused
from vag_ros.replay_feedback import FeedbackListener


class StartState:
    """Listens to the arms of ``profile`` until :meth:`close`."""

    def __init__(self, node: Node, profile: RobotProfile, embodiment: Embodiment) -> None:
        self._embodiment = embodiment
        self._feedback = Feedback(profile)
        self._listener = FeedbackListener(node, profile, self._feedback)

    @property
    def known(self) -> bool:
        """Whether every arm's joints are there and recent."""
        return self._feedback.stale(time.monotonic_ns()) is None

    def read(self) -> np.ndarray:
        """Return the (D,) joint positions in the embodiment's units.

        Raises:
            GoalRefused: they are missing or too old; arm, topic and age are named.
        """
        refusal = self._feedback.stale(time.monotonic_ns())
        if refusal is not None:
            raise GoalRefused(
                GenerateEpisode.Result.GENERATION_FAILED,
                f'start_state: the checkpoint asks for the joints, and {refusal.message}',
            )
        return self._embodiment.from_robot(self._feedback.pose)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()
