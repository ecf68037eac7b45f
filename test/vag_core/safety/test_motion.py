import dataclasses

import numpy as np
import pytest

from vag_core.safety.motion import Motion, arrived, moved
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import difference_peaks, make_plan

STOP = Refusal(ErrorCode.STOPPED, 'stop')


@pytest.fixture
def plan(profile, wave):
    return make_plan(wave, profile, profile.home_position)


@pytest.fixture
def motion(plan, profile):
    return Motion(plan, profile)


def follow(motion, ticks=10**9):
    """Run with arms that are always where they were told to be."""
    commands = []
    while len(commands) < ticks:
        command = motion.tick(motion.command, None)
        if command is None:
            break
        commands.append(command)
    return commands


def test_undisturbed_it_commands_the_plan_and_ends_without_a_reason(motion, plan):
    np.testing.assert_array_equal(follow(motion), plan.positions)
    assert motion.over
    assert (motion.ending, motion.saturated) == (None, 0)


def test_a_stop_brakes_to_rest_and_keeps_its_first_reason(motion, plan):
    follow(motion, 500)
    motion.stop(STOP)
    motion.stop(Refusal(ErrorCode.CANCELED, 'cancel'))
    braking = follow(motion)
    assert 1 < len(braking) < 200
    assert motion.over
    assert motion.ending is STOP
    assert motion.path_time < plan.motion_duration


def test_stale_feedback_brakes(motion):
    follow(motion, 500)
    stale = Refusal(ErrorCode.FEEDBACK_STALE, 'silent')
    assert motion.tick(motion.command, stale) is not None
    follow(motion)
    assert motion.ending is stale


def test_an_arm_off_the_path_brakes_and_is_named_with_error_and_limit(motion, profile):
    follow(motion, 500)
    measured = motion.command.copy()
    measured[8] += 0.25
    motion.tick(measured, None)
    ending = motion.ending
    assert ending.code is ErrorCode.PATH_TOLERANCE_VIOLATED
    assert (ending.joint, ending.limit) == (profile.joint_names[8], 0.2)
    assert ending.value == pytest.approx(0.25)


def test_an_arm_that_is_held_up_is_not_pushed_on_against_but_its_command_goes_back_to_it(motion):
    follow(motion, 500)
    held = motion.command - 0.25 * np.eye(14)[8]
    motion.tick(held, None)
    commands = []
    while (command := motion.tick(held, None)) is not None:
        commands.append(command)
    assert motion.over
    assert motion.saturated == 0
    arms = np.array([joint not in (6, 13) for joint in range(14)])
    np.testing.assert_allclose(commands[-1][arms], held[arms], atol=1e-9)


def test_a_reported_collision_goes_back_to_the_arms_even_after_a_stop(motion):
    follow(motion, 500)
    motion.stop(STOP)
    where = motion.command - 0.01 * np.eye(14)[2]
    motion.tick(where, None)
    motion.stop(Refusal(ErrorCode.COLLISION, 'collision'))
    while (command := motion.tick(where, None)) is not None:
        last = command
    assert motion.ending is STOP
    assert last[2] == pytest.approx(where[2], abs=1e-9)


def test_a_collision_of_resting_arms_repeats_the_target_and_goes_to_where_they_are(
    motion, plan, profile
):
    end = follow(motion)[-1]
    motion.rest()
    held = end - 0.02 * np.eye(14)[3]
    motion.stop(Refusal(ErrorCode.COLLISION, 'collision'))
    commands = []
    while (command := motion.tick(held, None)) is not None:
        commands.append(command)
    np.testing.assert_array_equal(commands[0], end)
    assert commands[-1][3] == pytest.approx(held[3], abs=1e-9)
    assert (motion.ending.code, motion.saturated) == (ErrorCode.COLLISION, 0)
    velocity, acceleration = difference_peaks(np.array(commands), plan.period)
    assert (velocity <= profile.per_joint('max_velocity')).all()
    assert (acceleration <= profile.per_joint('max_acceleration')).all()


def test_a_collision_before_the_first_tick_commands_nothing(motion):
    motion.stop(Refusal(ErrorCode.COLLISION, 'collision'))
    assert motion.tick(motion.command - 0.01, None) is None


def test_an_arm_that_is_lost_and_then_silent_brakes_along_the_path(motion, plan):
    follow(motion, 500)
    motion.tick(np.full(14, np.nan), None)
    stale = Refusal(ErrorCode.FEEDBACK_STALE, 'silent')
    while (command := motion.tick(np.full(14, np.nan), stale)) is not None:
        last = command
    assert np.abs(plan.positions - last).max(axis=1).min() < 0.01
    assert motion.saturated == 0


def test_a_pause_ends_nothing_and_the_motion_goes_on(motion, plan):
    follow(motion, 300)
    motion.set_speed(0.0)
    follow(motion, 300)
    assert (motion.path_speed, motion.over, motion.ending) == (0.0, False, None)
    motion.set_speed(1.0)
    np.testing.assert_array_equal(follow(motion)[-1], plan.positions[-1])


def test_a_plan_that_breaks_a_limit_is_not_sent_but_braked(profile, plan):
    positions = plan.positions.copy()
    positions[600:, 2] += 0.1
    motion = Motion(dataclasses.replace(plan, positions=positions), profile)
    commands = follow(motion)
    assert motion.ending.code is ErrorCode.SOFTWARE_FAULT
    assert motion.ending.joint == profile.joint_names[2]
    assert motion.saturated == len(commands) - 600
    assert np.abs(commands[-1] - plan.positions[600]).max() < 0.05


def test_stopped_before_the_first_tick_it_commands_nothing(motion):
    motion.stop(STOP)
    assert motion.tick(motion.command, None) is None


def test_arrival_and_departure_are_judged_by_the_joint_that_is_farthest_off(profile, plan):
    end, start = plan.positions[-1], plan.positions[0]
    assert arrived(plan, end + 0.04, profile) is None
    assert moved(plan, start, profile) is None
    late, away = end.copy(), start.copy()
    late[5] -= 0.06
    away[1] += 0.003
    reason = arrived(plan, late, profile)
    assert (reason.code, reason.joint) == (ErrorCode.GOAL_TOLERANCE_VIOLATED, 'left_joint6')
    reason = moved(plan, away, profile)
    assert (reason.code, reason.joint) == (ErrorCode.START_STATE_VIOLATED, 'left_joint2')


def test_a_measured_pose_with_a_nan_is_off_any_path(motion):
    follow(motion, 10)
    motion.tick(np.full(14, np.nan), None)
    assert motion.ending.code is ErrorCode.PATH_TOLERANCE_VIOLATED
