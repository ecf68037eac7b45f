"""The arm-decoupled network."""

import dataclasses

import pytest
import torch

from vag_core import resources
from vag_core.baselines.anypos import Anypos, AnyposConfig, ArmConfig
from vag_core.baselines.direction import DirectionConfig
from vag_core.baselines.model import trunks_of
from vag_core.baselines.reader import load_reader, save_reader
from vag_core.baselines.recipe import ReaderRecipe
from vag_core.baselines.resnet import TrunkConfig
from vag_core.baselines.run import ReaderRun
from vag_core.configuration import ConfigError, load
from vag_core.embodiment import Embodiment
from vag_core.train.run import RunOptions

NAMES = ('grip_a', 'a1', 'a2', 'b1', 'b2', 'grip_b')
MIXED = Embodiment(name='mixed', dimensions=NAMES, units=('raw',) * 6)
SMALL = {
    'trunk': TrunkConfig(widths=(4, 8), depths=(1, 1), strides=(1, 2)),
    'direction': DirectionConfig(width=2, features=6, hidden=16),
    'gripper_width': 2,
}
TWO_ARMS = AnyposConfig(
    arms=(
        ArmConfig(joints=('a1', 'a2'), gripper='grip_a', columns=(0.0, 0.5)),
        ArmConfig(joints=('b1', 'b2'), gripper='grip_b', columns=(0.5, 1.0)),
    ),
    wrist_joints=1,
    **SMALL,
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Anypos(TWO_ARMS, MIXED).eval()


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 64, 128, generator=torch.Generator().manual_seed(1))


def test_its_outputs_stand_in_the_embodiment_s_order(network, pixels):
    found = network(pixels)
    first, second = (arm(pixels) for arm in network.arms)
    expected = torch.cat([first[:, 2:], first[:, :2], second], dim=1)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ('changed', 'still'), [(slice(64, 128), slice(0, 3)), (slice(0, 64), slice(3, 6))]
)
def test_a_change_in_one_half_does_not_reach_the_arm_of_the_other(network, pixels, changed, still):
    other = pixels.clone()
    other[..., changed] += 1
    before, after = network(pixels), network(other)
    assert torch.equal(before[:, still], after[:, still])
    moved = torch.ones(6, dtype=torch.bool)
    moved[still] = False
    assert (before != after)[:, moved].all()


def test_the_arms_share_no_weight(network):
    for name, parameter in network.arms[0].named_parameters():
        assert parameter is not dict(network.arms[1].named_parameters())[name]


def test_the_wrist_s_error_weighs_more():
    assert TWO_ARMS.weights(MIXED).tolist() == [1.0, 1.0, 2.0, 1.0, 2.0, 1.0]
    none = dataclasses.replace(TWO_ARMS, wrist_joints=0)
    assert none.weights(MIXED).tolist() == [1.0] * 6
    more = dataclasses.replace(TWO_ARMS, wrist_joints=9)
    assert more.weights(MIXED).tolist() == [1.0, 2.0, 2.0, 2.0, 2.0, 1.0]


def test_dimensions_that_the_embodiment_lacks_or_no_arm_reads_are_named():
    cfg = dataclasses.replace(
        TWO_ARMS, arms=(ArmConfig(joints=('a1', 'a3'), gripper='grip_a'), TWO_ARMS.arms[1])
    )
    with pytest.raises(ConfigError, match='a2, a3: must be the dimensions of mixed'):
        Anypos(cfg, MIXED)


def test_a_dimension_of_two_arms_is_refused():
    with pytest.raises(ConfigError, match='a1 twice'):
        AnyposConfig(arms=(ArmConfig(joints=('a1', 'a2')), ArmConfig(joints=('a1',))))


@pytest.mark.parametrize('columns', [(0.5, 0.5), (-0.1, 1.0), (0.0, 1.1)])
def test_a_part_outside_the_picture_is_refused(columns):
    with pytest.raises(ConfigError, match='columns = '):
        ArmConfig(joints=('a1',), columns=columns)


def test_it_learns_two_frames_by_heart(pixels):
    torch.manual_seed(0)
    network = Anypos(TWO_ARMS, MIXED).train()
    pixels = pixels[..., ::2, ::2].contiguous()
    actions = torch.randn(2, 6, generator=torch.Generator().manual_seed(2))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(50):
        loss = (network(pixels) - actions).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.01


def test_a_folder_gives_back_what_was_trained(frames_data, reader_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr('vag_core.baselines.run.draw_losses', lambda *_: None)
    names = frames_data.embodiment.dimensions
    arms = tuple(
        ArmConfig(joints=names[k : k + 6], gripper=names[k + 6], columns=columns)
        for k, columns in ((0, (0.0, 0.6)), (7, (0.4, 1.0)))
    )
    model = dataclasses.replace(reader_recipe.model, network=AnyposConfig(arms=arms, **SMALL))
    recipe = dataclasses.replace(reader_recipe, model=model)
    ReaderRun(recipe, frames_data, RunOptions(out=tmp_path / 'run')).train()
    reader = load_reader(tmp_path / 'run' / 'reader')
    assert reader.config.model == model
    copy = load_reader(save_reader(tmp_path / 'copy', reader.config, reader.network))
    video = frames_data.video(0).movedim(1, -1).numpy()
    assert (reader.read(video) == copy.read(video)).all()


def test_given_weights_go_to_the_trunk_of_every_arm(network):
    assert trunks_of(network) == [arm.trunk for arm in network.arms]


def test_the_shipped_one_has_about_two_million_parameters(embodiment):
    recipe = load(ReaderRecipe, resources.find('config/baselines/anypos.yaml'))
    with torch.device('meta'):
        network = Anypos(recipe.model.network, embodiment)
    assert 1.5e6 < sum(parameter.numel() for parameter in network.parameters()) < 2.5e6
