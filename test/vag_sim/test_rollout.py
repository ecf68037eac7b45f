import numpy as np
import pytest

from vag_core.robot import load_profile
from vag_sim.rollout import rollout
from vag_sim.tasks import make_task

PROFILE = load_profile('sim')
TASK, SEED = 'lift_cube:left:blue', 3


class Scripted:
    """Plays (T, D) actions, ``execute`` of each chunk of ``chunk``; notes what it was shown."""

    def __init__(self, actions, chunk=4, execute=2):
        self.actions, self.chunk, self.execute = actions, chunk, execute
        self.shown, self.step = [], 0

    def act(self, image, state, instruction):
        self.shown.append((image.shape, state, instruction))
        steps = np.arange(self.step + 1, self.step + 1 + self.chunk)
        self.step += self.execute
        return self.actions[np.minimum(steps, len(self.actions) - 1)]


@pytest.fixture(scope='module')
def actions():
    task = make_task(TASK)
    return task.demonstrate(task.sample(SEED, PROFILE), PROFILE)


def test_a_chunk_is_carried_out_in_its_order_and_cut_off_at_the_next_look(actions):
    policy, commands = Scripted(actions, chunk=5, execute=3), []
    found = rollout(
        policy, TASK, SEED, steps=7, on_step=lambda twin: commands.append(twin.command)
    )
    assert found.looks == len(policy.shown) == 3
    assert np.array(commands[1:]) == pytest.approx(actions[1:7], abs=1e-6)


def test_the_policy_sees_the_head_camera_the_measured_state_and_the_instruction(actions):
    policy = Scripted(actions)
    found = rollout(policy, TASK, SEED, steps=1)
    shape, state, instruction = policy.shown[0]
    assert shape == (192, 256, 3)
    assert state == pytest.approx(actions[0], abs=1e-6)
    assert instruction == found.instruction
    assert 'blue cube' in instruction


def test_a_demonstration_played_in_chunks_succeeds(actions, monkeypatch):
    monkeypatch.setattr('vag_sim.twin.Twin.render', lambda *_: np.zeros((4, 4, 3), np.uint8))
    assert rollout(Scripted(actions, 16, 8), TASK, SEED).success


def test_what_lies_outside_a_limit_is_moved_onto_it_and_counted(actions):
    far = actions.copy()
    far[:, 6] = 5.0
    assert rollout(Scripted(far), TASK, SEED, steps=2).clamped == 2


def test_a_prediction_that_is_not_finite_ends_it_with_the_joint_s_name(actions):
    broken = actions.copy()
    broken[2:, 8] = np.nan
    found = rollout(Scripted(broken), TASK, SEED, steps=10)
    assert not found.success
    assert found.failure.startswith('right_joint2: ')


def test_a_policy_of_another_robot_is_refused(actions):
    with pytest.raises(ValueError, match=r'shape \(4, 7\), expected \(2 or more, 14\)'):
        rollout(Scripted(actions[:, :7]), TASK, SEED)


def test_an_unknown_camera_is_refused(actions):
    with pytest.raises(ValueError, match="camera = 'cam': known are cam_high"):
        rollout(Scripted(actions), TASK, SEED, camera='cam')
