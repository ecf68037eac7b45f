"""What a run leaves to look at: TensorBoard scalars and samples, and the loss curves."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vag_core.embodiment import Embodiment
from vag_core.model.image_fit import to_pixels
from vag_core.model.normaliser import Normaliser
from vag_core.model.vag import Vag
from vag_core.sample import denoise, draw_noise
from vag_core.train.engine import Stage, StepReport
from vag_core.train.processes import Processes
from vag_core.train.samples import Clips

STRIP_FRAMES = 8


class Journal:
    """TensorBoard's files below ``folder``; without one it writes nothing."""

    def __init__(self, folder: Path | None, every: int) -> None:
        self._writer = None
        self._every = every
        if folder is not None and every:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder))

    def scalars(self, report: StepReport) -> None:
        """Write one step's figures, every so many steps."""
        if self._writer is None or report.step % self._every:
            return
        for name in ('loss', 'learning_rate', 'gradient_norm', 'samples_per_second'):
            self._writer.add_scalar(f'{report.stage}/{name}', getattr(report, name), report.step)

    def image(self, name: str, image: np.ndarray, step: int) -> None:
        """Write one (H, W, 3) uint8 picture."""
        if self._writer is not None:
            self._writer.add_image(name, image, step, dataformats='HWC')

    def close(self) -> None:
        """Write what is buffered."""
        if self._writer is not None:
            self._writer.close()


@dataclass(frozen=True, eq=False)
class Samples:
    """Generates the first episode now and then, with the weights as they are at that step."""

    model: Vag
    clips: Clips
    normaliser: Normaliser
    embodiment: Embodiment
    processes: Processes
    journal: Journal
    every: int

    def __call__(self, stage: Stage, step: int, shared: nn.Module) -> None:
        """Write a strip, truth above and generated below, and the actions of both."""
        if not self.every or step % self.every:
            return
        # What is shared is on the device already, and what FSDP shards must not be moved: its
        # parameters would become other ones than those that are optimised.
        shared_modules = set(shared.modules())
        for part in (self.model.video, self.model.action, self.model.coupling):
            if part is not None and part not in shared_modules:
                part.to(self.processes.device)
        with self.processes.frozen(shared):
            video, actions = shared(self._generate, stage.name != 'video')
        if not self.processes.main:
            return
        truth = self.clips.latent(0)[None].to(video.device)
        strips = [self._strip(latent) for latent in (truth, video)]
        self.journal.image(f'{stage.name}/video', np.vstack(strips), step)
        if actions is not None:
            self.journal.image(f'{stage.name}/actions', self._curves(actions), step)

    def _generate(self, with_actions: bool) -> tuple[Tensor, Tensor | None]:
        device = self.processes.device
        conditions = {k: v.to(device)[None] for k, v in self.clips.conditions(0).items()}
        noise, action_noise = (value.to(device) for value in draw_noise(self.model, [0]))
        wanted = with_actions or self.model.coupling is not None
        *_, last = denoise(
            self.model,
            self.clips.latent(0)[None, :, :1].to(device),
            conditions['text'],
            (noise, action_noise if wanted else None),
            self.model.cfg.sampler,
            start_state=conditions['start_state'],
        )
        return last.video, last.actions if with_actions else None

    @torch.no_grad()
    def _strip(self, latent: Tensor) -> np.ndarray:
        chosen = torch.linspace(0, latent.shape[2] - 1, STRIP_FRAMES).round().long().unique()
        parameter = next(self.model.vae.parameters())
        frames = [
            to_pixels(self.model.vae.decode(latent[:, :, [k]].to(parameter))[:, :, 0].float())[0]
            for k in chosen
        ]
        return np.hstack(frames)

    def _curves(self, actions: Tensor) -> np.ndarray:
        from vag_core.train.curves import draw_actions

        steps = self.model.cfg.frames
        both = (self.clips.actions[:1], actions)
        truth, found = (self.normaliser.restore(a[0, :steps].float().cpu().numpy()) for a in both)
        return draw_actions(truth, found, self.embodiment)
