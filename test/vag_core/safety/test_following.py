import numpy as np
import pytest

from vag_core.safety.feedback import Measured
from vag_core.safety.following import RECENT, STANDSTILL_MESSAGES, Following, Standstill
from vag_core.safety.outcome import ErrorCode

HERE = np.zeros(14)
AWAY = 0.3 * np.eye(14)[8]


@pytest.fixture
def judge(profile):
    following = Following(profile)
    tolerance = profile.tolerance('path_tolerance')

    def judge(pose, left, right, ends=(HERE, HERE)):
        return following.judge(Measured(pose, (left, right)), ends, tolerance, 'limit')

    return judge


def test_two_of_the_last_messages_of_one_arm_are_needed_and_none_is_judged_twice(judge):
    assert judge(AWAY, 1, 1) is None
    assert judge(AWAY, 2, 1) is None, 'the other arm has spoken'
    assert judge(AWAY, 2, 1) is None, 'nobody has'
    for number in range(2, RECENT + 1):
        assert judge(HERE, number, number) is None
    assert judge(AWAY, RECENT + 1, RECENT + 1) is None, 'the other one is long past'
    reason = judge(AWAY, RECENT + 1, RECENT + 2)
    assert (reason.code, reason.joint) == (ErrorCode.PATH_TOLERANCE_VIOLATED, 'right_joint2')


def test_an_arm_that_is_off_in_every_second_message_is_off_its_path(judge):
    assert judge(AWAY, 1, 1) is None
    assert judge(HERE, 1, 2) is None
    assert judge(AWAY, 1, 3).joint == 'right_joint2'


def test_anywhere_between_two_commands_is_no_error(judge):
    ends = np.zeros(14), 2 * AWAY
    for message in range(1, 5):
        assert judge(AWAY, message, message, ends) is None


def test_arms_stand_still_once_enough_messages_of_each_say_the_same(profile):
    standstill = Standstill(profile)
    for count in range(STANDSTILL_MESSAGES):
        assert not standstill.reached(Measured(HERE, (count, count)))
    assert not standstill.reached(Measured(HERE, (100, 5))), 'one arm is silent'
    assert standstill.reached(Measured(HERE + 0.0004, (100, 100)))


def test_a_gripper_that_still_moves_does_not_keep_arms_from_standing_still(profile):
    standstill, closing = Standstill(profile), 0.01 * np.eye(14)[6]
    reached = [
        standstill.reached(Measured(HERE + count * closing, (count, count)))
        for count in range(STANDSTILL_MESSAGES + 1)
    ]
    assert reached == STANDSTILL_MESSAGES * [False] + [True]


def test_arms_that_creep_do_not_stand_still(profile):
    standstill = Standstill(profile)
    for count in range(100):
        assert not standstill.reached(Measured(HERE + 0.001 * count, (count, count)))
