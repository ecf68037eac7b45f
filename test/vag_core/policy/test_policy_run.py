import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vag_core.configuration import ConfigError
from vag_core.policy.policy import load_policy
from vag_core.policy.recipes import load_policy_recipe
from vag_core.policy.run import PolicyRun
from vag_core.train.interrupt import Interrupt, Interrupted


def weights(out):
    return load_file(out / 'policy' / 'policy.safetensors')


@pytest.fixture(scope='module')
def trained(tiny_policy, policy_data, tmp_path_factory):
    out = tmp_path_factory.mktemp('run') / 'out'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('vag_core.policy.run.draw_losses', lambda *_: None)
        PolicyRun(tiny_policy, [policy_data], out, seed=3).train()
    return out


def test_it_learns_to_move_to_the_side_that_the_picture_shows(
    longer, write_policy_episodes, tmp_path
):
    # From the first step on the target lies far to one side; the state says nothing of it.
    data = write_policy_episodes(tmp_path / 'data', count=2, start=1.0)
    recipe = longer(60, batch=8, learning_rate=0.01)
    policy = load_policy(PolicyRun(recipe, [data], tmp_path / 'out').train())
    for side, column in ((-0.4, 4), (0.4, 20)):
        picture = np.full((32, 32, 3), 90, np.uint8)
        picture[12:20, column : column + 8] = [220, 40, 40]
        chunk = policy.act(picture, np.zeros(14), 'push the square')
        assert chunk == pytest.approx(np.full((3, 14), side), abs=0.2)


def test_a_continued_run_equals_an_uninterrupted_one(trained, tiny_policy, policy_data, tmp_path):
    interrupt = Interrupt()

    def stop(activity, done, total, report):
        interrupt.asked = activity == 'policy' and done == 3

    out = tmp_path / 'out'
    with pytest.raises(Interrupted, match='policy, step 4 of 8'):
        PolicyRun(
            tiny_policy, [policy_data], out, seed=3, interrupt=interrupt, progress=stop
        ).train()
    PolicyRun(tiny_policy, [policy_data], out, seed=3, resume=True).train()
    mine, theirs = weights(out), weights(trained)
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())


def test_a_run_leaves_its_figures_and_says_what_it_was_made_of(trained):
    assert json.loads((trained / 'metrics.json').read_text())['steps'] == 8
    about = load_policy(trained / 'policy').config.provenance
    assert (about['episodes'], about['data'], about['seed']) == (4, ['data'], 3)


def test_it_starts_from_another_policy_and_keeps_its_normalisers(
    trained, longer, write_policy_episodes, tmp_path
):
    data = write_policy_episodes(tmp_path / 'other', count=1)
    out = tmp_path / 'out'
    start = load_policy(trained / 'policy')
    PolicyRun(longer(1), [data], out, init=trained / 'policy').train()
    found = load_policy(out / 'policy')
    assert found.config.targets == start.config.targets
    assert found.config.provenance['init_hash'] == start.hash
    moved = max(
        float((value - weights(trained)[name]).abs().max()) for name, value in weights(out).items()
    )
    assert 0 < moved < 0.01


def test_folders_of_episodes_are_mixed(longer, policy_data, write_policy_episodes, tmp_path):
    more = write_policy_episodes(tmp_path / 'more', count=1, states=False)
    folder = PolicyRun(longer(1), [policy_data, more], tmp_path / 'out').train()
    assert load_policy(folder).config.provenance['episodes'] == 5


def test_a_policy_of_other_sizes_is_no_start(trained, longer, policy_data, tmp_path):
    recipe = longer(1)
    other = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, hidden=16))
    with pytest.raises(ConfigError, match='hidden = 32, the recipe has 16'):
        PolicyRun(other, [policy_data], tmp_path / 'out', init=trained / 'policy').train()
    assert not (tmp_path / 'out').exists()


def test_episodes_of_another_robot_are_refused(
    longer, policy_data, write_policy_episodes, tmp_path
):
    from vag_core.robot import load_profile

    other = dataclasses.replace(load_profile('sim').as_embodiment(), name='another_14')
    data = write_policy_episodes(tmp_path / 'other', count=1, embodiment=other)
    with pytest.raises(ValueError, match='embodiment'):
        PolicyRun(longer(1), [policy_data, data], tmp_path / 'out').train()


def test_a_finished_run_is_not_made_again(trained, tiny_policy, policy_data):
    with pytest.raises(FileExistsError, match='nothing was trained'):
        PolicyRun(tiny_policy, [policy_data], trained, seed=3, resume=True).train()


def test_a_run_is_not_continued_with_another_start(trained, tiny_policy, policy_data, tmp_path):
    begin = Interrupt()

    def stop(activity, done, total, report):
        begin.asked = activity == 'policy'

    out = tmp_path / 'out'
    with pytest.raises(Interrupted):
        PolicyRun(tiny_policy, [policy_data], out, interrupt=begin, progress=stop).train()
    with pytest.raises(ConfigError, match='begun with another init'):
        PolicyRun(tiny_policy, [policy_data], out, init=trained / 'policy', resume=True).train()


def test_the_shipped_recipe_is_whole_and_takes_other_steps():
    recipe = load_policy_recipe('config/policies/bc.yaml', steps=7)
    assert recipe.training.stage.steps == 7
    assert recipe.model.action.dimension == 14
