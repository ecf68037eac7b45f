"""The recipes that are shipped."""

import pytest

from vag_core import resources
from vag_core.configuration import load, read_yaml
from vag_core.train.recipe import Recipe, Tune


@pytest.mark.parametrize('name', ['tiny', 'test'])
def test_small_recipes_train_every_part(name):
    recipe = load(Recipe, resources.find(f'config/models/{name}.yaml'))
    assert recipe.training.stages == ('vae', 'video', 'action')


def test_the_full_size_recipe_trains_the_action_stream_alone():
    recipe = load(Recipe, resources.find('config/models/cosmos_2b.yaml'))
    assert recipe.training.stages == ('action',)
    assert recipe.training.action.stage.passes(processes=8) == 1


@pytest.mark.parametrize(('name', 'tune'), [('joint', Tune.FULL), ('lora', Tune.LORA)])
def test_the_variants_train_both_streams_as_cosmos_is_post_trained(name, tune):
    mapping = read_yaml(resources.find('config/models/cosmos_2b.yaml'))
    mapping['training'] = read_yaml(resources.find(f'config/training/cosmos_2b_{name}.yaml'))
    training = load(Recipe, mapping).training
    assert training.stages == ('joint',)
    assert training.joint.video.tune is tune
    stage = training.joint.stage
    assert stage.learning_rate == pytest.approx(2**-14.5, rel=1e-3)
    assert (stage.betas, stage.weight_decay, stage.clip) == ((0.9, 0.99), 0.1, 1.0)
    assert training.joint.video.text_dropout == 0.2
