"""The recipes that are shipped."""

import pytest

from vag_core import resources
from vag_core.configuration import load, read_yaml
from vag_core.train.recipe import Recipe, Tune


def recipe_of(model, training=None):
    mapping = read_yaml(resources.find(f'config/models/{model}.yaml'))
    if training is not None:
        mapping['training'] = read_yaml(resources.find(f'config/training/{training}.yaml'))
    return load(Recipe, mapping)


@pytest.mark.parametrize(
    ('model', 'training'),
    [
        ('tiny', None),
        ('test', None),
        ('small', None),
        ('small', 'small_gpu'),
        ('small', 'small_smoke'),
    ],
)
def test_small_recipes_train_every_part(model, training):
    recipe = recipe_of(model, training)
    assert recipe.training.stages == ('vae', 'video', 'action')


def test_the_full_size_recipe_trains_the_action_stream_alone():
    recipe = recipe_of('cosmos_2b')
    assert recipe.training.stages == ('action',)
    assert recipe.training.action.stage.passes(processes=8) == 1


@pytest.mark.parametrize(('name', 'tune'), [('joint', Tune.FULL), ('lora', Tune.LORA)])
def test_the_variants_train_both_streams_as_cosmos_is_post_trained(name, tune):
    training = recipe_of('cosmos_2b', f'cosmos_2b_{name}').training
    assert training.stages == ('joint',)
    assert training.joint.video.tune is tune
    stage = training.joint.stage
    assert stage.learning_rate == pytest.approx(2**-14.5, rel=1e-3)
    assert (stage.betas, stage.weight_decay, stage.clip) == ((0.9, 0.99), 0.1, 1.0)
    assert training.joint.video.text_dropout == 0.2
