import numpy as np
import pytest

from vag_core.robot import load_profile, profile_names
from vag_sim.model import build_model
from vag_sim.scene import Scene
from vag_sim.tasks import make_task
from vag_sim.twin import Twin

SEED = 1000


@pytest.fixture
def twin():
    with Twin(make_task('pick_lift'), SEED) as twin:
        yield twin


def test_joints_actuators_and_cameras_bear_the_names_of_the_profile():
    profile = load_profile('sim')
    model = build_model(profile, Scene(objects=()))
    assert tuple(model.actuator(i).name for i in range(model.nu)) == profile.joint_names
    cameras = [profile.camera, *profile.other_cameras]
    assert {model.camera(i).name for i in range(model.ncam)} == {c.key for c in cameras}


@pytest.mark.parametrize('name', profile_names())
def test_limits_are_those_of_the_profile_whatever_its_driver(name):
    profile = load_profile(name)
    model = build_model(profile, Scene(objects=()))
    assert model.actuator_ctrlrange[:, 0] == pytest.approx(profile.per_joint('min_position'))
    assert model.actuator_ctrlrange[:, 1] == pytest.approx(profile.per_joint('max_position'))
    ranges = [model.joint(f'right_joint{i}').range for i in range(1, 7)]
    assert np.array(ranges)[:, 0] == pytest.approx(profile.per_joint('min_position')[7:13])


def test_a_robot_that_is_no_pair_of_pipers_is_refused():
    profile = load_profile('sim')
    one_arm = type(profile)(**{**vars_of(profile), 'arms': profile.arms[:1]})
    with pytest.raises(ValueError, match=r"arms = \['left'\]: the twin has left and right"):
        build_model(one_arm, Scene(objects=()))


def vars_of(profile):
    return {field: getattr(profile, field) for field in profile.__dataclass_fields__}


def test_arms_start_at_home_within_the_scene_offset(twin):
    offset = np.abs(twin.position - twin.profile.home_position)
    assert offset.max() <= 0.008 + 1e-9


def test_arms_hold_their_pose_without_commands(twin):
    before = twin.position
    twin.step(2.0)
    assert twin.position == pytest.approx(before, abs=1e-3)
    assert np.abs(twin.velocity).max() < 1e-2


def test_each_joint_and_gripper_follows_its_own_entry_of_the_command(twin):
    start = twin.profile.home_position.copy()
    for index, name in enumerate(twin.profile.joint_names):
        twin.reset()
        target = start.copy()
        target[index] += -0.03 if name.endswith(('joint3', 'gripper')) else 0.1
        twin.command = target
        twin.step(1.5)
        assert twin.position == pytest.approx(target, abs=0.005), name


def test_gripper_opening_is_the_distance_between_the_fingers(twin):
    target = twin.profile.home_position.copy()
    for opening in (0.0, 0.035, 0.07):
        target[6] = opening
        twin.command = target
        twin.step(1.5)
        model, data = twin.model, twin._data
        first, second = (data.geom(f'left_finger{i}') for i in (1, 2))
        thickness = 2 * model.geom('left_finger1').size[1]
        gap = np.linalg.norm(first.xpos - second.xpos) - thickness
        assert gap == pytest.approx(opening, abs=0.001)


@pytest.mark.parametrize(('index', 'value'), [(0, np.nan), (1, np.inf), (2, 0.5), (13, 0.08)])
def test_a_bad_command_is_refused_and_changes_nothing(twin, index, value):
    before = twin.command
    target = before.copy()
    target[index] = value
    with pytest.raises(ValueError, match=f'{twin.profile.joint_names[index]} = {value}'):
        twin.command = target
    assert np.array_equal(twin.command, before)


def test_a_command_of_the_wrong_length_is_refused(twin):
    with pytest.raises(ValueError, match='expected'):
        twin.command = np.zeros(13)


def test_the_same_commands_give_the_same_states_bit_by_bit():
    finals = []
    for _ in range(2):
        twin = Twin(make_task('pick_lift'), SEED)
        target = twin.profile.home_position.copy()
        target[0] = -0.3
        twin.command = target
        twin.step(0.5)
        finals.append((twin.position, twin.object_position('red_cube')))
    assert np.array_equal(finals[0][0], finals[1][0])
    assert np.array_equal(finals[0][1], finals[1][1])


def test_reset_brings_objects_and_arms_back(twin):
    position, cube = twin.position, twin.object_position('red_cube')
    target = twin.profile.home_position.copy()
    target[[0, 1]] = [-0.4, 1.5]
    twin.command = target
    twin.step(1.0)
    twin.reset()
    assert np.array_equal(twin.position, position)
    assert np.array_equal(twin.object_position('red_cube'), cube)
    assert twin.command == pytest.approx(position)


def test_objects_rest_on_the_table(twin):
    before = {item.name: twin.object_position(item.name) for item in twin.scene.objects}
    twin.step(1.0)
    for name, position in before.items():
        assert twin.object_position(name) == pytest.approx(position, abs=2e-3), name


def test_head_camera_sees_the_red_cube_where_the_scene_puts_it(twin):
    image = twin.render('cam_high').astype(int)
    width, height = twin.scene.picture
    assert image.shape == (height, width, 3) == (240, 320, 3)
    red = (image[:, :, 0] > 140) & (image[:, :, 1] < 60) & (image[:, :, 2] < 60)
    rows, columns = np.nonzero(red)
    assert len(rows) > 60
    assert columns.mean() < width / 2  # the cube of this scene stands on the left
    assert 0.2 * height < rows.mean() < 0.7 * height


@pytest.mark.parametrize('camera', ['cam_high', 'cam_left_wrist', 'cam_right_wrist'])
def test_every_camera_gives_a_picture_with_contrast(twin, camera):
    image = twin.render(camera)
    assert image.dtype == np.uint8
    assert image.std() > 20


def test_wrist_camera_moves_with_its_arm_only(twin):
    views = {camera: twin.render(camera) for camera in ('cam_left_wrist', 'cam_right_wrist')}
    target = twin.command
    target[4] = 0.6
    twin.command = target
    twin.step(1.5)
    assert np.abs(twin.render('cam_left_wrist').astype(int) - views['cam_left_wrist']).mean() > 5
    assert np.abs(twin.render('cam_right_wrist').astype(int) - views['cam_right_wrist']).mean() < 1
