import dataclasses

import numpy as np
import pytest

from vag_core.safety.feedback import Measured
from vag_core.safety.motion import Motion
from vag_core.safety.outcome import ErrorCode, Refusal
from vag_core.safety.plan import difference_peaks, make_plan

STOP = Refusal(ErrorCode.STOPPED, 'stop')
STALE = Refusal(ErrorCode.FEEDBACK_STALE, 'silent')
COLLISION = Refusal(ErrorCode.COLLISION, 'collision')


class Cell:
    """A motion, and arms that report once per tick where ``where(command)`` is.

    ``tremble``: by how much what is measured changes from message to message.
    """

    def __init__(self, motion, tremble=1e-12):
        self.motion, self.tremble = motion, tremble
        self.messages = 0
        self.commands = []

    def measured(self, pose):
        self.messages += 1
        trembling = pose + self.tremble * (self.messages % 2)
        return Measured(trembling, (self.messages, self.messages))

    def tick(self, pose, stale=None):
        command = self.motion.tick(self.measured(pose), stale)
        if command is not None:
            self.commands.append(command)
        return command

    def follow(self, ticks=10**9, where=lambda command: command, stale=None):
        """Go on for some ticks, or to the end."""
        begin = len(self.commands)
        while len(self.commands) - begin < ticks:
            if self.tick(where(self.motion.command), stale) is None:
                break
        return self.commands[begin:]

    def assert_within_limits(self, profile):
        plan = self.motion.plan
        velocity, acceleration = difference_peaks(np.array(self.commands), plan.period)
        assert (velocity <= profile.per_joint('max_velocity') + 1e-9).all()
        assert (acceleration <= profile.per_joint('max_acceleration') + 1e-6).all()
        assert self.motion.saturated == 0


@pytest.fixture
def plan(profile, wave):
    return make_plan(wave, profile, profile.home_position)


@pytest.fixture
def motion(plan, profile):
    return Motion(plan, profile)


@pytest.fixture
def cell(motion):
    return Cell(motion)


def off(joint, distance):
    """Where an arm is that is off its command by this much."""
    return lambda command: command + distance * np.eye(14)[joint]


def off_path_at(plan, command):
    """How far a command is from the nearest of the plan."""
    return np.abs(plan.positions - command).max(axis=1).min()


def held_up(cell, joint=8, distance=-0.25, ticks=500):
    """Hold a joint up, in the middle of the motion, for two messages; returns where."""
    cell.follow(ticks)
    pose = off(joint, distance)(cell.motion.command)
    cell.tick(pose)
    cell.tick(pose)
    assert cell.motion.fault.code in (ErrorCode.PATH_TOLERANCE_VIOLATED, ErrorCode.CLIENT_LOST)
    return pose


def test_undisturbed_it_commands_the_plan_and_ends_without_a_reason(cell, plan):
    np.testing.assert_array_equal(cell.follow(), plan.positions)
    assert cell.motion.over
    assert (cell.motion.ending, cell.motion.saturated) == (None, 0)


def test_a_stop_brakes_to_rest_and_keeps_its_first_reason(cell, plan):
    cell.follow(500)
    cell.motion.stop(STOP)
    cell.motion.stop(Refusal(ErrorCode.CANCELED, 'cancel'))
    assert 1 < len(cell.follow()) < 200
    assert cell.motion.over
    assert cell.motion.ending is STOP
    assert cell.motion.path_time < plan.motion_duration


def test_stale_feedback_brakes(cell):
    cell.follow(500)
    assert cell.tick(cell.motion.command, STALE) is not None
    cell.follow()
    assert cell.motion.ending is STALE


@pytest.mark.parametrize('distance', [0.25, 3.0, np.nan])
def test_a_single_message_that_is_off_the_path_ends_nothing(cell, plan, distance):
    cell.follow(500)
    cell.tick(off(8, distance)(cell.motion.command))
    cell.follow()
    np.testing.assert_array_equal(cell.commands, plan.positions)
    assert cell.motion.ending is None


def test_a_message_that_no_newer_one_follows_is_judged_once(motion, cell):
    cell.follow(500)
    alone = cell.measured(off(8, 0.25)(motion.command))
    for _ in range(20):
        motion.tick(alone, None)
    assert motion.ending is None


def test_two_messages_in_a_row_that_are_off_the_path_name_joint_error_and_limit(cell, profile):
    held_up(cell, distance=0.25)
    ending = cell.motion.ending
    assert (ending.joint, ending.limit) == (profile.joint_names[8], 0.2)
    assert ending.value == pytest.approx(0.25, abs=0.01)


def brake(cell, where):
    """Go on until the command rests; returns it."""
    before = None
    while not np.array_equal(before, cell.motion.command):
        before = cell.motion.command
        cell.tick(where(before))
    return before


def test_an_arm_off_the_path_brakes_along_it_before_its_command_goes_back_to_it(
    cell, plan, profile
):
    held = held_up(cell)
    rest = brake(cell, lambda _: held)
    assert all(off_path_at(plan, command) < 1e-3 for command in cell.commands)
    back = cell.follow(where=lambda _: held)
    np.testing.assert_array_equal(back[0], rest)
    arms = ~profile.is_gripper
    np.testing.assert_allclose(back[-1][arms], held[arms], atol=1e-9)
    np.testing.assert_array_equal(back[-1][~arms], rest[~arms])
    cell.assert_within_limits(profile)


def test_it_goes_back_to_where_the_arms_have_come_to_rest_not_to_where_they_went_astray(cell):
    held_up(cell)
    rest = brake(cell, off(8, -0.25))
    cell.follow(where=lambda _: off(8, -0.1)(rest))
    assert cell.commands[-1][8] == pytest.approx(rest[8] - 0.1, abs=1e-9)


def test_arms_farther_away_than_retreat_max_are_not_given_way_to(cell, profile):
    held_up(cell)
    rest = brake(cell, off(8, -0.25))
    cell.follow(where=lambda _: off(8, 0.51)(rest))
    np.testing.assert_array_equal(cell.commands[-1], rest)
    ending = cell.motion.ending
    assert ending.code is ErrorCode.PATH_TOLERANCE_VIOLATED
    assert 'held: right_joint2: +0.5100 rad off' in ending.message
    assert 'retreat_max = 0.5000 rad' in ending.message
    assert cell.motion.over
    cell.assert_within_limits(profile)


def test_arms_that_do_not_come_to_rest_are_not_given_way_to(cell, profile):
    held_up(cell)

    def sway(command):
        return off(8, 0.02 * (cell.messages % 2) - 0.1)(command)

    swaying = cell.follow(where=sway)
    assert len(swaying) * cell.motion.plan.period < profile.safety.goal_time_s + 1.0
    assert 'not at rest within goal_time_s' in cell.motion.ending.message
    assert off_path_at(cell.motion.plan, cell.commands[-1]) < 1e-3


def retreating(cell):
    """Bring a motion to the middle of its retreat; returns where its arms stand by."""
    held = held_up(cell)
    while off_path_at(cell.motion.plan, cell.motion.command) < 0.05:
        cell.tick(held)
    return held


def test_arms_that_leave_their_place_while_the_command_comes_back_end_it_in_a_hold(cell, profile):
    held = retreating(cell)
    begin = cell.motion.command
    cell.follow(where=lambda command: held + (command - begin) - off(8, 0.06)(0 * held))
    assert np.abs(cell.commands[-1] - held).max() > 0.05
    assert 'off the way back; goal_tolerance' in cell.motion.ending.message
    assert cell.motion.over
    cell.assert_within_limits(profile)


@pytest.mark.parametrize('why', [STALE, STOP, Refusal(ErrorCode.CLIENT_LOST, 'lost')])
def test_lost_joint_states_and_new_reasons_end_a_retreat_in_a_hold(cell, profile, why):
    held = retreating(cell)
    if why is STALE:
        cell.follow(where=lambda _: held, stale=STALE)
    else:
        cell.motion.stop(why)
        cell.follow(where=lambda _: held)
    assert np.abs(cell.commands[-1] - held).max() > 0.05
    assert cell.motion.ending.message.endswith(f'; held: {why.message}')
    assert cell.motion.over
    cell.assert_within_limits(profile)


def test_what_lasts_since_before_the_arms_were_off_the_path_does_not_keep_them_under_pressure(
    cell,
):
    lost = Refusal(ErrorCode.CLIENT_LOST, 'lost')
    cell.follow(490)
    cell.motion.stop(lost)
    held = held_up(cell, ticks=2)
    while cell.tick(held) is not None:
        cell.motion.stop(lost)
    assert cell.motion.command[8] == pytest.approx(held[8], abs=1e-9)


def test_a_stop_that_is_pressed_again_during_the_retreat_is_obeyed(cell):
    cell.follow(490)
    cell.motion.stop(STOP)
    cell.motion.stop(COLLISION)
    held = off(8, -0.15)(cell.motion.command)
    while off_path_at(cell.motion.plan, cell.motion.command) < 0.02:
        cell.tick(held)
    cell.motion.stop(STOP)
    cell.follow(where=lambda _: held)
    assert np.abs(cell.commands[-1] - held).max() > 0.02


def test_arms_that_leave_the_path_after_a_stop_are_held_where_they_brake(cell, plan):
    cell.follow(490)
    cell.motion.stop(STOP)
    held = off(8, -0.25)(cell.motion.command)
    cell.follow(where=lambda _: held)
    assert cell.motion.ending is STOP
    assert cell.motion.fault.code is ErrorCode.PATH_TOLERANCE_VIOLATED
    assert off_path_at(plan, cell.commands[-1]) < 1e-3


def test_after_a_shutdown_not_even_a_collision_is_given_way_to(cell, plan):
    cell.follow(490)
    cell.motion.stop(Refusal(ErrorCode.SHUTTING_DOWN, 'ends'))
    cell.motion.stop(COLLISION)
    held = off(8, -0.1)(cell.motion.command)
    cell.follow(where=lambda _: held)
    assert off_path_at(plan, cell.commands[-1]) < 1e-3


def test_a_collision_that_is_first_reported_during_a_retreat_ends_it(cell, profile):
    held = retreating(cell)
    while cell.tick(held) is not None:
        cell.motion.stop(COLLISION)
    assert np.abs(cell.commands[-1] - held).max() > 0.05
    assert cell.motion.ending.message.endswith('; held: collision')
    cell.assert_within_limits(profile)


def test_another_collision_ends_the_retreat_from_the_first(cell):
    cell.follow(490)
    held = off(8, -0.15)(cell.motion.command)
    while off_path_at(cell.motion.plan, cell.motion.command) < 0.02:
        cell.motion.stop(COLLISION)
        cell.tick(held)
    cell.motion.stop(Refusal(ErrorCode.COLLISION, 'the other arm, too'))
    cell.follow(where=lambda _: held)
    assert np.abs(cell.commands[-1] - held).max() > 0.02


def test_arms_whose_joint_states_are_frozen_are_not_given_way_to(motion, plan):
    cell = Cell(motion, tremble=0.0)
    held = held_up(cell)
    cell.follow(where=lambda _: held)
    assert 'joint states of arm right may be frozen' in motion.ending.message
    assert off_path_at(plan, cell.commands[-1]) < 1e-3


def test_joint_states_that_are_lost_before_the_retreat_prevent_it(cell, plan):
    held = held_up(cell)
    cell.follow(where=lambda _: held, stale=STALE)
    assert off_path_at(plan, cell.commands[-1]) < 1e-3
    assert cell.motion.ending.message.endswith('; held: silent')


def test_a_reported_collision_goes_back_to_the_arms_even_after_a_stop(cell):
    cell.follow(500)
    cell.motion.stop(STOP)
    where = cell.motion.command - 0.01 * np.eye(14)[2]
    cell.tick(where)
    while cell.tick(where) is not None:
        cell.motion.stop(COLLISION)
    assert (cell.motion.ending, cell.motion.fault) == (STOP, COLLISION)
    assert cell.motion.command[2] == pytest.approx(where[2], abs=1e-9)


def test_a_collision_of_resting_arms_repeats_the_target_and_goes_to_where_they_are(
    motion, plan, profile
):
    end = Cell(motion).follow()[-1]
    held = end - 0.02 * np.eye(14)[3]
    motion.stop(COLLISION)
    cell = Cell(motion)
    cell.messages = 10_000
    commands = cell.follow(where=lambda _: held)
    np.testing.assert_array_equal(commands[0], end)
    assert commands[-1][3] == pytest.approx(held[3], abs=1e-9)
    assert motion.ending is COLLISION
    cell.assert_within_limits(profile)


def test_a_collision_before_the_first_tick_commands_nothing(cell):
    cell.motion.stop(COLLISION)
    assert cell.tick(cell.motion.command - 0.01) is None


def test_an_arm_that_is_lost_and_then_silent_brakes_along_the_path(cell, plan):
    cell.follow(500)
    cell.tick(np.full(14, np.nan))
    cell.tick(np.full(14, np.nan))
    assert cell.motion.ending.code is ErrorCode.PATH_TOLERANCE_VIOLATED
    cell.follow(where=lambda command: command * np.nan, stale=STALE)
    assert off_path_at(plan, cell.commands[-1]) < 0.01
    assert cell.motion.saturated == 0


def test_a_pause_ends_nothing_and_the_motion_goes_on(cell, motion, plan):
    cell.follow(300)
    motion.set_speed(0.0)
    cell.follow(300)
    assert (motion.path_speed, motion.over, motion.ending) == (0.0, False, None)
    motion.set_speed(1.0)
    np.testing.assert_array_equal(cell.follow()[-1], plan.positions[-1])


def test_a_plan_that_breaks_a_limit_is_not_sent_but_braked(profile, plan):
    positions = plan.positions.copy()
    positions[600:, 2] += 0.1
    motion = Motion(dataclasses.replace(plan, positions=positions), profile)
    commands = Cell(motion).follow()
    assert motion.ending.code is ErrorCode.SOFTWARE_FAULT
    assert motion.ending.joint == profile.joint_names[2]
    assert motion.saturated == len(commands) - 600
    assert np.abs(commands[-1] - plan.positions[600]).max() < 0.05


def test_stopped_before_the_first_tick_it_commands_nothing(cell):
    cell.motion.stop(STOP)
    assert cell.tick(cell.motion.command) is None
