"""How far actions are from those of a demonstration: the paper's two metrics of Table 2.

The paper (arXiv 2604.09330, section 4.4) calls an action a success when "the error in each
dimension is less than 0.2" and leaves open what is counted, so both readings are given.
"""

from dataclasses import dataclass

import numpy as np

THRESHOLD = 0.2
"""Largest absolute error of a success, in the unit of the dimension."""


@dataclass(frozen=True)
class ActionErrors:
    """Comparison of one episode's actions with the demonstrated ones.

    Attributes:
        distance: Euclidean distance, mean over the frames of the L2 norm of the D errors.
        entries_within: share of the T x D entries whose absolute error is below 0.2.
        frames_within: share of the T frames in which all D absolute errors are.
    """

    distance: float
    entries_within: float
    frames_within: float


def compare_actions(
    actions: np.ndarray, truth: np.ndarray, threshold: float = THRESHOLD
) -> ActionErrors:
    """Compare (T, D) actions with (T, D) demonstrated ones.

    Raises:
        ValueError: the shapes differ, or there is nothing to compare.
    """
    if actions.shape != truth.shape or actions.ndim != 2 or not actions.size:
        raise ValueError(f'actions: shape {actions.shape}, the demonstration has {truth.shape}')
    error = np.abs(actions.astype(np.float64) - truth)
    within = error < threshold
    return ActionErrors(
        distance=float(np.linalg.norm(error, axis=1).mean()),
        entries_within=float(within.mean()),
        frames_within=float(within.all(axis=1).mean()),
    )


def in_strokes(
    actions: np.ndarray, is_gripper: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Scale the grippers of (T, D) actions to 0 (``low``) .. 1 (``high``); joints stay in rad.

    A gripper's whole stroke is less than 0.2 m, so in metres it passes the threshold always.

    Args:
        actions: (T, D) rad and m.
        is_gripper: (D,) bool.
        low, high: (D,) ends of the range of every dimension; only the grippers' are used.
    """
    scale = np.where(is_gripper, high - low, 1.0)
    return (actions - np.where(is_gripper, low, 0.0)) / scale
