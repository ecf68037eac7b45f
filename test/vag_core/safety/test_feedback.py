import math

import numpy as np
import pytest

from vag_core.safety.feedback import Feedback
from vag_core.safety.outcome import ErrorCode

MS = 1_000_000


@pytest.fixture
def feedback(profile):
    return Feedback(profile)


def names(profile, arm):
    return list(profile.arms[arm].driver_joints)


def test_both_arms_make_one_pose_whatever_the_order_of_names(profile, feedback):
    right = names(profile, 1)[::-1]
    assert not feedback.update(0, names(profile, 0), [0.1, 0.2, -0.3, 0.4, 0.5, 0.6, 0.01], 0)
    assert not feedback.update(1, right, [0.02, 6, 5, 4, 3, 2, 1], 0)
    expected = [0.1, 0.2, -0.3, 0.4, 0.5, 0.6, 0.01, 1, 2, 3, 4, 5, 6, 0.02]
    np.testing.assert_allclose(feedback.pose, expected)


def test_an_arm_that_was_never_heard_is_stale_and_named(profile, feedback):
    feedback.update(0, names(profile, 0), [0.0] * 7, 0)
    reason = feedback.stale(0)
    assert reason.code is ErrorCode.FEEDBACK_STALE
    assert 'arm right on right_arm/feedback/joint_states' in reason.message


def test_an_arm_is_stale_after_the_timeout_by_receive_time(profile, feedback):
    timeout = profile.safety.feedback_timeout_s
    feedback.update(0, names(profile, 0), [0.0] * 7, 0)
    feedback.update(1, names(profile, 1), [0.0] * 7, 500 * MS)
    limit = round(timeout * 1e9)
    assert feedback.stale(limit) is None
    reason = feedback.stale(limit + MS)
    assert 'arm left' in reason.message
    assert (reason.value, reason.limit) == (pytest.approx(timeout + 1e-3), timeout)


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_a_message_that_is_not_finite_is_ignored(profile, feedback, value):
    feedback.update(0, names(profile, 0), [0.1] * 7, 0)
    assert 'not finite' in feedback.update(0, names(profile, 0), [value] + [0.2] * 6, MS)
    assert (feedback.pose[:7] == 0.1).all()


@pytest.mark.parametrize('joints', [6, 0])
def test_a_message_without_all_joints_is_ignored_and_says_which_were_expected(
    profile, feedback, joints
):
    problem = feedback.update(0, names(profile, 0)[:joints], [0.1] * joints, 0)
    assert 'gripper' in problem
    assert np.isnan(feedback.pose).all()


def test_messages_are_counted_by_arm_and_what_was_taken_does_not_change(profile, feedback):
    assert feedback.latest.messages == (0, 0)
    feedback.update(1, names(profile, 1), [0.1] * 7, 0)
    before = feedback.latest
    feedback.update(1, names(profile, 1), [0.2] * 7, MS)
    feedback.update(0, names(profile, 0)[:6], [0.1] * 6, MS)
    assert (before.messages, feedback.latest.messages) == ((0, 1), (0, 2))
    assert (before.pose[7:] == 0.1).all() and (feedback.pose[7:] == 0.2).all()
