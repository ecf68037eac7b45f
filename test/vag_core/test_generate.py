"""Generation with random weights."""

import dataclasses
import time

import numpy as np
import pytest
import torch

from vag_core.checkpoint import load_checkpoint, save_checkpoint
from vag_core.configuration import ConfigError
from vag_core.flow import Solver
from vag_core.generate import GenerationCancelled, Request, Stage, generate
from vag_core.model.coupling import CouplingConfig, CouplingKind
from vag_core.model.image_fit import to_pixels, to_unit_range
from vag_core.model.latent_preview import fit_preview, matrix_shape, preview
from vag_core.model.vag import Vag

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 70, 3), dtype=np.uint8)


def request(seed=1, instruction='pick up the red cube', **options):
    return Request(IMAGE, instruction, seed, **options)


def test_an_episode_has_the_checkpoint_s_shape(checkpoint):
    made = generate(checkpoint, [request()])[0]
    assert made.video.shape == (9, 32, 48, 3)
    assert made.video.dtype == np.uint8
    assert made.actions.shape == (9, 14)
    assert made.actions.dtype == np.float32
    assert np.isfinite(made.actions).all()
    assert set(made.timings) == {stage.value for stage in Stage}


def test_the_same_seed_gives_the_same_episode(checkpoint):
    one, other = (generate(checkpoint, [request(seed=7)])[0] for _ in range(2))
    np.testing.assert_array_equal(one.actions, other.actions)
    np.testing.assert_array_equal(one.video, other.video)


def test_another_seed_gives_another_episode(checkpoint):
    one, other = generate(checkpoint, [request(seed=1), request(seed=2)])
    assert np.abs(one.actions - other.actions).max() > 1e-3


def test_another_instruction_gives_another_episode(checkpoint):
    one, other = generate(checkpoint, [request(), request(instruction='open the drawer')])
    assert np.abs(one.actions - other.actions).max() > 1e-6


def test_an_episode_does_not_depend_on_the_others_in_its_batch(checkpoint):
    alone = generate(checkpoint, [request(seed=5)])[0]
    among = generate(checkpoint, [request(seed=4), request(seed=5), request(seed=6)])[1]
    np.testing.assert_allclose(among.actions, alone.actions, atol=1e-5)


def test_requests_with_other_steps_keep_their_order(checkpoint):
    mixed = generate(checkpoint, [request(seed=1), request(seed=2, steps=2), request(seed=3)])
    for made, single in zip(
        mixed, (request(seed=1), request(seed=2, steps=2), request(seed=3)), strict=True
    ):
        expected = generate(checkpoint, [single])[0]
        np.testing.assert_allclose(made.actions, expected.actions, atol=1e-5)


def test_progress_is_reported_after_every_step(checkpoint):
    seen = []
    generate(checkpoint, [request()], seen.append)
    assert [(p.stage, p.step, p.total) for p in seen] == [
        (Stage.ENCODING, 1, 1),
        *((Stage.DENOISING, step, 5) for step in range(1, 6)),
        (Stage.DECODING, 1, 1),
    ]
    for progress in seen[1:-1]:
        assert progress.preview.shape == (16, 24, 3)
        assert progress.preview.dtype == np.uint8


def test_progress_does_not_change_the_result(checkpoint):
    silent = generate(checkpoint, [request()])[0]
    reported = generate(checkpoint, [request()], lambda progress: None)[0]
    np.testing.assert_array_equal(silent.actions, reported.actions)


def test_previews_keep_to_their_share_of_the_time(checkpoint):
    seen = []

    def slow(progress):
        seen.append(progress)
        time.sleep(0.2 * (progress.preview is not None))

    generate(checkpoint, [request()], slow, preview_share=0.01)
    assert [p.step for p in seen if p.preview is not None] == [1]
    assert len(seen) == 7


def test_previews_run_through_the_clip_by_the_matrix_of_the_checkpoint(checkpoint):
    matrix = torch.randn(matrix_shape(4), generator=torch.Generator().manual_seed(0)) / 10
    seen = []
    own = dataclasses.replace(checkpoint, preview=matrix)
    made = generate(own, [request()], seen.append)[0]
    last = preview(matrix, torch.from_numpy(made.latent)[None, :, -1])
    np.testing.assert_array_equal(seen[-2].preview, to_pixels(last)[0])


def test_a_checkpoint_without_a_matrix_shows_the_colours_of_its_first_picture(checkpoint):
    assert checkpoint.preview is None
    picture = np.full((32, 48, 3), (200, 40, 90), np.uint8)
    shown = []
    made = generate(checkpoint, [Request(picture, 'lift', 1)], lambda p: shown.append(p.preview))
    first = torch.from_numpy(made[0].latent)[None, :, :1]
    matrix = fit_preview(first, to_unit_range(picture)[None, :, None])
    assert np.abs(to_pixels(preview(matrix, first[:, :, 0])) - picture[0, 0].astype(int)).max() < 6
    last = preview(matrix, torch.from_numpy(made[0].latent)[None, :, -1])
    assert np.abs(shown[-2].astype(int) - to_pixels(last)[0]).max() <= 1


@pytest.mark.parametrize('steps_before', [0, 1, 3])
def test_cancelling_ends_within_one_step(checkpoint, steps_before):
    seen = []

    def denoised():
        return sum(p.stage is Stage.DENOISING for p in seen)

    with pytest.raises(GenerationCancelled):
        generate(checkpoint, [request()], seen.append, lambda: denoised() >= steps_before)
    assert denoised() == steps_before
    assert seen[-1:] == [] or seen[-1].stage is not Stage.DECODING


def test_steps_and_guidance_out_of_range_are_refused(checkpoint):
    with pytest.raises(ConfigError, match='steps = 0'):
        generate(checkpoint, [request(steps=0)])
    with pytest.raises(ConfigError, match=r'guidance = -0\.5'):
        generate(checkpoint, [request(guidance=-0.5)])


def test_no_request_is_no_work(checkpoint):
    assert generate(checkpoint, []) == []


def test_a_request_can_ask_for_another_solver(checkpoint):
    own, euler = generate(checkpoint, [request(), request(solver=Solver.EULER)])
    assert np.abs(own.actions - euler.actions).max() > 1e-6


def test_a_negative_instruction_takes_the_place_of_no_text_under_guidance(checkpoint):
    plain, empty, negative = (
        generate(checkpoint, [request(guidance=2.0, negative=text)])[0].actions
        for text in (None, '', 'open the drawer')
    )
    np.testing.assert_array_equal(plain, empty)
    assert np.abs(plain - negative).max() > 1e-6


def test_the_instruction_as_its_own_negative_leaves_no_guidance(checkpoint):
    text = request().instruction
    none = generate(checkpoint, [request(guidance=0.0)])[0]
    same = generate(checkpoint, [request(guidance=3.0, negative=text)])[0]
    np.testing.assert_allclose(same.actions, none.actions, atol=1e-5)


@pytest.fixture(scope='module')
def with_start_state(tmp_path_factory, checkpoint_config):
    """A checkpoint whose action stream asks for the joints, coupled both ways."""
    model = checkpoint_config.model
    cfg = dataclasses.replace(
        checkpoint_config,
        model=dataclasses.replace(
            model,
            action=dataclasses.replace(model.action, start_state=True, text=True),
            coupling=CouplingConfig(kind=CouplingKind.TWO_WAY, width=8),
        ),
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp('checkpoints') / 'start'
    return load_checkpoint(save_checkpoint(folder, cfg, Vag(cfg.model)))


def test_a_start_state_is_normalised_and_changes_the_actions(with_start_state):
    seen = []
    hook = with_start_state.model.action.register_forward_pre_hook(
        lambda module, args: seen.append(args[4])
    )
    starts = [np.full(14, 0.1), np.full(14, 1.1)]
    one, other = generate(with_start_state, [request(start_state=start) for start in starts])
    hook.remove()
    assert np.abs(one.actions - other.actions).max() > 1e-4
    # The normaliser has mean 0.1 and deviation 0.5.
    torch.testing.assert_close(seen[0], torch.tensor([[0.0], [2.0]]).expand(2, 14))


@pytest.mark.parametrize(
    ('start', 'message'),
    [
        (None, 'start_state: checkpoint start needs the 14 joint positions'),
        (np.zeros(7), r'start_state: shape \(7,\), checkpoint start needs \(14,\)'),
        (np.full(14, np.nan), 'start_state = .*: must be finite'),
    ],
)
def test_a_start_state_that_is_missing_or_wrong_is_named(with_start_state, start, message):
    with pytest.raises(ValueError, match=message):
        generate(with_start_state, [request(start_state=start)])


def test_a_start_state_is_ignored_where_the_checkpoint_has_no_use_for_it(checkpoint):
    one, other = (generate(checkpoint, [request(start_state=s)])[0] for s in (None, np.zeros(14)))
    np.testing.assert_array_equal(one.actions, other.actions)
