"""The residual network and torchvision's names."""

import pytest
import torch
from torch import nn

from vag_core.baselines.resnet import Block, Resnet, ResnetConfig, TrunkConfig, load_pretrained
from vag_core.configuration import ConfigError
from vag_core.model.weights import WeightsError

RESNET18 = TrunkConfig(widths=(64, 128, 256, 512), depths=(2, 2, 2, 2))
RESNET50 = TrunkConfig(widths=(64, 128, 256, 512), depths=(3, 4, 6, 3), block=Block.BOTTLENECK)
# Published by torchvision for its models with 1000 classes.
PARAMETERS = {'resnet18': 11_689_512, 'resnet50': 25_557_032}


def make(trunk, dimension=14):
    with torch.device('meta'):
        return Resnet(ResnetConfig(trunk=trunk), dimension)


@pytest.mark.parametrize(('name', 'trunk'), [('resnet18', RESNET18), ('resnet50', RESNET50)])
def test_it_has_as_many_parameters_as_torchvision_s(name, trunk):
    assert sum(p.numel() for p in make(trunk, 1000).parameters()) == PARAMETERS[name]


def test_its_parameters_have_torchvision_s_names_and_shapes():
    basic, bottleneck = make(RESNET18).state_dict(), make(RESNET50).state_dict()
    for keys, expected in (
        (
            basic,
            {
                'conv1.weight': (64, 3, 7, 7),
                'bn1.num_batches_tracked': (),
                'layer1.0.conv1.weight': (64, 64, 3, 3),
                'layer2.0.downsample.0.weight': (128, 64, 1, 1),
                'layer2.0.downsample.1.running_var': (128,),
                'layer4.1.bn2.bias': (512,),
                'fc.weight': (14, 512),
            },
        ),
        (
            bottleneck,
            {
                'layer1.0.downsample.0.weight': (256, 64, 1, 1),
                'layer3.5.conv3.weight': (1024, 256, 1, 1),
                'layer4.0.conv2.weight': (512, 512, 3, 3),
                'layer4.2.bn3.running_mean': (2048,),
                'fc.bias': (14,),
            },
        ),
    ):
        for name, shape in expected.items():
            assert tuple(keys[name].shape) == shape
    assert len(basic) == 122
    assert len(bottleneck) == 320


@pytest.mark.parametrize('block', Block)
def test_it_maps_a_frame_to_its_dimensions(block):
    trunk = TrunkConfig(widths=(4, 8, 8), depths=(1, 2, 1), strides=(1, 2, 1), block=block)
    network = Resnet(ResnetConfig(trunk=trunk), 5).eval()
    pixels = torch.randn(2, 3, 32, 48)
    assert network(pixels).shape == (2, 5)
    assert network.features(pixels).shape == (2, trunk.features, 4, 6)


def test_a_pool_of_several_cells_tells_where_something_is():
    trunk = TrunkConfig(widths=(4,), depths=(1,), strides=(1,))
    pixels = torch.zeros(1, 3, 64, 64)
    pixels[:, :, 16:24, 16:24] = 1
    found = {}
    for pool in ((1, 1), (2, 2)):
        torch.manual_seed(0)
        network = Resnet(ResnetConfig(trunk=trunk, pool=pool), 5).eval()
        moved = network(pixels.roll(24, dims=3)) - network(pixels)
        found[pool] = moved.detach().abs().max().item()
    assert found[1, 1] < 1e-5
    assert found[2, 2] > 1e-3


def small():
    return Resnet(ResnetConfig(trunk=TrunkConfig(widths=(4, 8), depths=(1, 1), strides=(1, 2))), 5)


def test_a_state_dict_with_other_classes_is_loaded_but_for_its_last_layer(tmp_path):
    other, network = small(), small()
    other.fc = nn.Linear(8, 1000)
    last = network.fc.weight.clone()
    torch.save(other.state_dict(), tmp_path / 'resnet.pth')
    load_pretrained(network, tmp_path / 'resnet.pth')
    assert torch.equal(network.layer2[0].conv1.weight, other.layer2[0].conv1.weight)
    assert torch.equal(network.fc.weight, last)


def test_a_state_dict_of_another_size_is_refused_by_name(tmp_path):
    other = small()
    other.layer2 = nn.Identity()
    torch.save(other.state_dict(), tmp_path / 'resnet.pth')
    with pytest.raises(WeightsError, match=r'layer2\.0\.bn1\.bias: missing'):
        load_pretrained(small(), tmp_path / 'resnet.pth')


def test_stages_without_a_depth_are_refused():
    with pytest.raises(ConfigError, match='depths = '):
        TrunkConfig(widths=(4, 8), depths=(1,), strides=(1, 2))


def test_it_learns_two_frames_by_heart():
    torch.manual_seed(0)
    network = small().train()
    pixels, actions = torch.randn(2, 3, 32, 48), torch.randn(2, 5)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        loss = (network(pixels) - actions).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.01
