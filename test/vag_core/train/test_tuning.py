"""Which parts of the model a stage trains: adapters, frozen streams, both streams at once."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from vag_core.checkpoint import load_checkpoint
from vag_core.configuration import ConfigError
from vag_core.model.dit import Block
from vag_core.model.vag import Vag
from vag_core.train.lora import LoraConfig, add_adapters, merge_adapters
from vag_core.train.recipe import JointTraining, Tune, VideoLoss
from vag_core.train.run import RunOptions, TrainingRun
from vag_core.train.states import States

NOTHING = {'vae': None, 'video': None, 'action': None, 'measured_episodes': 0}


@pytest.fixture(autouse=True, scope='module')
def no_picture():
    """Drawing the losses takes longer than these runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('vag_core.train.run.draw_losses', lambda *_: None)
        yield


@pytest.fixture
def start(trained):
    return trained[0] / 'checkpoint'


def with_training(recipe, **training):
    training = dataclasses.replace(recipe.training, **{**NOTHING, **training})
    return dataclasses.replace(recipe, training=training)


def joint(recipe, tune, **changes):
    cfg = JointTraining(
        stage=recipe.training.video.stage,
        video=VideoLoss(tune=tune, lora=LoraConfig(rank=2)),
        action_learning_rate=5e-3,
    )
    return with_training(recipe, joint=cfg, **changes)


def moved(before, after):
    """Return the parts and, of the video stream, the layers whose weights differ."""
    old, new = (load_checkpoint(folder).model.state_dict() for folder in (before, after))
    assert old.keys() == new.keys()
    return {name for name in old if not torch.equal(old[name], new[name])}


@pytest.fixture(scope='module')
def adapted(trained, recipe, data, make_run, tmp_path_factory):
    """The folder of a run with adapters on the video stream."""
    out = tmp_path_factory.mktemp('adapted')
    recipe = joint(recipe, Tune.LORA, checkpoint_dtype='float32')
    make_run(recipe, data, out, init=trained[0] / 'checkpoint').train()
    return out


@pytest.mark.parametrize('case', [(Tune.FROZEN, {'action'}), (Tune.FULL, {'action', 'video'})])
def test_joint_training_moves_what_it_is_told_to(start, recipe, data, tmp_path, case):
    tune, expected = case
    options = RunOptions(out=tmp_path, init=start)
    TrainingRun(joint(recipe, tune), data, options).train()
    assert {name.split('.')[0] for name in moved(start, tmp_path / 'checkpoint')} == expected


def test_adapters_move_attention_and_mlp_alone(start, adapted):
    names = {name for name in moved(start, adapted / 'checkpoint') if name.startswith('video.')}
    assert names
    for name in names:
        layer = name.removeprefix('video.network.transformer_blocks.0.').removesuffix('.weight')
        assert layer.startswith(('attn1.to_', 'attn2.to_', 'ff.net.'))


def test_merged_weights_are_the_start_plus_the_saved_adapter(start, adapted):
    adapter = load_file(adapted / 'adapter_joint' / 'adapter_model.safetensors')
    layer = 'transformer_blocks.0.attn1.to_q'
    down, up = (adapter[f'base_model.model.{layer}.lora_{x}.weight'] for x in 'AB')
    before, after = (
        load_checkpoint(c).model.video.network.get_parameter(f'{layer}.weight')
        for c in (start, adapted / 'checkpoint')
    )
    torch.testing.assert_close(after, before + (16 / 2) * up @ down)
    assert up.any()


def test_the_adapter_says_what_peft_needs(adapted):
    from peft import PeftConfig

    cfg = PeftConfig.from_pretrained(str(adapted / 'adapter_joint'))
    assert cfg.r == 2
    assert set(cfg.target_modules) == {
        'to_q', 'to_k', 'to_v', 'to_out.0', 'ff.net.0.proj', 'ff.net.2',
    }  # fmt: skip


def test_new_adapters_change_nothing_and_merge_away(recipe):
    torch.manual_seed(0)
    network = Vag(recipe.model).video.network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    add_adapters(network, LoraConfig(), 0)
    trained = [name for name, p in network.named_parameters() if p.requires_grad]
    assert all('lora_' in name for name in trained)
    assert len(trained) == 2 * (4 + 4 + 2)
    merge_adapters(network)
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(p.requires_grad for p in network.parameters())


def test_adapters_need_a_start(recipe, data, make_run, tmp_path):
    with pytest.raises(ConfigError, match='vae is neither'):
        make_run(joint(recipe, Tune.LORA), data, tmp_path)


def test_activations_that_are_computed_twice_give_the_same_losses(start, recipe, data, tmp_path):
    losses = []
    for twice in (False, True):
        cfg = joint(recipe, Tune.FULL, gradient_checkpointing=twice)
        out = tmp_path / str(twice)
        TrainingRun(cfg, data, RunOptions(out=out, init=start)).train()
        losses.append(States(out / 'states', 1).finished('joint')[0].losses)
    assert losses[0] == losses[1]


def test_compiled_blocks_give_the_same_losses(start, recipe, data, tmp_path, monkeypatch):
    # The graph is captured and run as it is: generating code for it takes minutes.
    compile_block = Block.compile
    compiled = []

    def capture(block):
        compiled.append(block)
        compile_block(block, backend='eager')

    monkeypatch.setattr(Block, 'compile', capture)
    losses = []
    for chosen in (False, True):
        out = tmp_path / str(chosen)
        cfg = joint(recipe, Tune.FULL, compile=chosen)
        TrainingRun(cfg, data, RunOptions(out=out, init=start)).train()
        losses.append(States(out / 'states', 1).finished('joint')[0].losses)
    assert len(compiled) == recipe.model.video.network.num_layers
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_bfloat16_trains_beside_float32_weights(start, recipe, data, make_run, tmp_path):
    from vag_core.train.recipe import Precision

    cfg = joint(recipe, Tune.FULL, precision=Precision.BF16)
    make_run(cfg, data, tmp_path, init=start).train()
    progress, weights = States(tmp_path / 'states', 1).finished('joint')
    assert len(progress.losses) == 4
    assert all(value.dtype == torch.float32 for value in weights.values())
