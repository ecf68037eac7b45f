"""The training loop on a problem of one number."""

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from vag_core.train.draws import generator_for
from vag_core.train.engine import Engine, Stage
from vag_core.train.guard import DivergedError, GuardConfig
from vag_core.train.optimisation import StageConfig
from vag_core.train.processes import Processes
from vag_core.train.recipe import Parallel, Precision
from vag_core.train.states import States


class Scalar(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))


class Noise(Dataset):
    """A little noise; from some step on no number."""

    def __init__(self, broken_from=1000):
        self.broken_from = broken_from

    def __getitem__(self, key):
        noise = torch.randn((), generator=generator_for(0, *key))
        noise = noise if key.step < self.broken_from else noise * float('nan')
        return {'episode': torch.tensor(key.place), 'noise': noise}


@pytest.fixture(scope='module')
def processes():
    return Processes(Precision.FP32, Parallel.DDP, cpu=True)


def fit(processes, seconds=None, states=None, broken_from=1000, reports=None, **changes):
    module = Scalar()
    cfg = StageConfig(
        **{'steps': 100, 'batch': 2, 'learning_rate': 0.3, 'weight_decay': 0.0, **changes}
    )

    def loss(batch):
        return (module.value - 3 + 0.01 * batch['noise']).square().mean()

    stage = Stage('scalar', cfg, {'it': module}, loss, Noise(broken_from), ['first', 'second'])
    engine = Engine(
        processes, states, GuardConfig(), save_every=2,
        report=(reports if reports is not None else []).append,
    )  # fmt: skip
    return module, engine.train(stage, seconds).losses


def test_it_minimises_the_loss(processes):
    module, losses = fit(processes)
    assert len(losses) == 100
    assert losses[-1] < 0.001 * losses[0]
    assert not module.training


def test_averaged_weights_replace_the_last_ones(processes):
    module, _ = fit(processes, steps=20, ema=0.99)
    plain, _ = fit(processes, steps=20)
    assert 0 < module.value.item() < plain.value.item()


def test_a_batch_in_several_passes_gives_the_same_losses(processes):
    _, one = fit(processes, steps=5, batch=4)
    _, four = fit(processes, steps=5, batch=4, accumulate=4)
    assert four == pytest.approx(one, rel=1e-5)


def test_a_spent_budget_ends_it_after_the_first_step(processes):
    assert len(fit(processes, seconds=1e-9)[1]) == 1


def test_a_loss_that_is_no_number_is_reported_with_step_and_episodes(processes):
    with pytest.raises(DivergedError, match=r'scalar, step 3: loss = nan; .*: first, second'):
        fit(processes, broken_from=3)


def test_a_gradient_that_is_no_number_ends_the_run_before_a_state_is_saved(processes, tmp_path):
    module, states = Scalar(), States(tmp_path, keep=1)
    stage = Stage(
        'scalar',
        StageConfig(steps=4, batch=2, learning_rate=0.1),
        {'it': module},
        lambda batch: (0 * module.value).sqrt().sum(),
        Noise(),
        ['a', 'b'],
    )
    with pytest.raises(DivergedError, match='step 1: gradient norm = nan'):
        Engine(processes, states, GuardConfig(), save_every=1).train(stage)
    assert states.latest('scalar') is None


def test_the_last_good_state_outlives_a_diverging_run(processes, tmp_path):
    states = States(tmp_path, keep=1)
    with pytest.raises(DivergedError, match='last state: step 4'):
        fit(processes, states=states, broken_from=6)
    kept = states.latest('scalar')
    assert all(torch.isfinite(value).all() for value in kept.weights.values())


def test_every_step_is_reported_with_its_figures(processes):
    reports = []
    fit(processes, steps=4, warmup=2, reports=reports)
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert reports[0].learning_rate == pytest.approx(0.15)
    assert reports[0].gradient_norm > 1


def test_only_the_last_states_are_kept_until_the_stage_is_finished(processes, tmp_path):
    states = States(tmp_path, keep=2)
    steps = []

    def report(_):
        steps.append(states.last_step('scalar'))

    module, cfg = Scalar(), StageConfig(steps=9, batch=2, learning_rate=0.1)
    stage = Stage(
        'scalar',
        cfg,
        {'it': module},
        lambda batch: module.value.square().mean(),
        Noise(),
        ['a', 'b'],
    )
    Engine(processes, states, GuardConfig(), save_every=2, report=report).train(stage)
    assert steps[-1] == 8
    assert [path.name for path in (tmp_path / 'scalar').iterdir()] == ['finished']
