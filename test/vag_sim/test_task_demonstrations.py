import numpy as np
import pytest

from vag_core.robot import load_profile
from vag_core.safety.plan import Plan, make_plan
from vag_core.safety.request import TrajectoryRequest
from vag_sim.clearance import TwinClearance
from vag_sim.motion import check_limits
from vag_sim.tasks import FPS, STEPS, make_task
from vag_sim.twin import Twin

PROFILE = load_profile('sim')
NAMES = (
    'lift_cube:left',
    'lift_cube:right',
    'cube_in_bowl:left',
    'cube_in_bowl:right',
    'lift_tray',
)


@pytest.fixture(scope='module')
def clearance():
    return TwinClearance(PROFILE)


@pytest.mark.parametrize('name', NAMES)
def test_a_demonstration_succeeds_and_doing_nothing_does_not(name):
    task = make_task(name)
    twin = Twin(task, 2, PROFILE)
    actions = task.demonstrate(twin.scene, PROFILE)
    assert not twin.success()
    twin.execute(actions)
    assert twin.success(), task.measure(twin)


@pytest.mark.parametrize('name', NAMES)
def test_a_demonstration_starts_where_the_arms_are_and_moves_only_those_of_the_goal(name):
    task = make_task(name)
    for seed in range(3):
        scene = task.sample(seed, PROFILE)
        actions = task.demonstrate(scene, PROFILE)
        assert actions.shape == (STEPS, len(PROFILE.joint_names))
        assert actions.dtype == np.float32
        start = scene.start_pose(PROFILE.home_position)
        assert actions[0] == pytest.approx(start, abs=1e-6)
        check_limits(actions, PROFILE)
        for arm in PROFILE.arms:
            moves = np.ptp(actions[:, PROFILE.arm_slice(arm)], axis=0).max() > 0
            assert moves == (arm.name in scene.goal.arms)


@pytest.mark.parametrize('name', NAMES)
def test_the_replay_server_would_carry_it_out_at_its_own_speed(name, clearance):
    task = make_task(name)
    for seed in (4, 5):
        actions = task.demonstrate(task.sample(seed, PROFILE), PROFILE).astype(float)
        request = TrajectoryRequest(
            joint_names=PROFILE.joint_names,
            times=(np.arange(STEPS) / FPS).tolist(),
            positions=actions.tolist(),
        )
        plan = make_plan(request, PROFILE, actions[0], clearance)
        assert isinstance(plan, Plan), plan
        assert plan.time_scale == pytest.approx(1.0)


@pytest.mark.parametrize('name', ['lift_cube', 'cube_in_bowl', 'lift_tray'])
def test_a_plan_does_not_depend_on_the_plans_made_before(name):
    task = make_task(name)
    task.demonstrate(task.sample(11, PROFILE), PROFILE)
    scene = task.sample(12, PROFILE)
    again = task.demonstrate(scene, PROFILE)
    assert make_task(name).demonstrate(scene, PROFILE).tobytes() == again.tobytes()


@pytest.mark.parametrize('name', ['lift_cube', 'cube_in_bowl', 'lift_tray'])
def test_open_grippers_take_nothing(name):
    task = make_task(name)
    twin = Twin(task, 1, PROFILE)
    actions = task.demonstrate(twin.scene, PROFILE)
    actions[:, PROFILE.is_gripper] = 0.07
    twin.execute(actions)
    assert not twin.success()


def test_a_cube_that_is_still_held_over_the_bowl_does_not_count():
    task = make_task('cube_in_bowl')
    twin = Twin(task, 1, PROFILE)
    actions = task.demonstrate(twin.scene, PROFILE)
    twin.execute(actions[:81])
    assert task.measure(twin)['bowl_distance_m'] < 0.03
    assert not twin.success()


def test_a_tray_lifted_by_one_arm_only_does_not_count():
    task = make_task('lift_tray')
    twin = Twin(task, 1, PROFILE)
    actions = task.demonstrate(twin.scene, PROFILE)
    actions[:, PROFILE.arm_slice(PROFILE.arms[1])] = actions[0, PROFILE.arm_slice(PROFILE.arms[1])]
    twin.execute(actions)
    assert not twin.success()
