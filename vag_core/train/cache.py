"""What is computed once for each episode and read from disk at every step.

Each kind lies in a folder whose name says what it was made with, one safetensors file an episode,
so a cache can be shared by runs, reused after a change of the optimisation and continued after an
interruption. Reading maps a file into memory and takes only what is asked for.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from vag_core.files import sha256_of, write_whole
from vag_core.model.vae import VideoVae
from vag_core.model.vag import Vag
from vag_core.train.demonstrations import Demonstrations
from vag_core.train.processes import Processes

OnEpisode = Callable[[int, int], None]
KEY_LENGTH = 24


def key_of(*parts: object) -> str:
    """Return a short hexadecimal digest of what something was made with."""
    return hashlib.sha256('\0'.join(map(str, parts)).encode()).hexdigest()[:KEY_LENGTH]


def weights_key(module: nn.Module) -> str:
    """Return a digest of a module's weights and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        content = value.detach().cpu().contiguous().reshape(-1)
        digest.update(f'{name}\0{value.dtype}\0{tuple(value.shape)}\0'.encode())
        digest.update(content.view(torch.uint8).numpy())
    return digest.hexdigest()[:KEY_LENGTH]


class EpisodeFiles:
    """One file of tensors for each of N episodes."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.paths = [Path(folder) / f'{name}.safetensors' for name in names]

    def __len__(self) -> int:
        return len(self.paths)

    def missing(self) -> list[int]:
        """Return the episodes that have no file yet."""
        return [index for index, path in enumerate(self.paths) if not path.is_file()]

    def write(self, index: int, **tensors: Tensor) -> None:
        """Write the file of an episode."""
        content = save({name: value.cpu().contiguous() for name, value in tensors.items()})
        write_whole(self.paths[index], content)

    def read(self, index: int, name: str) -> Tensor:
        """Return one tensor of an episode."""
        with safe_open(self.paths[index], 'pt') as file:
            return file.get_tensor(name)

    def rows(self, index: int, name: str, start: int, stop: int) -> Tensor:
        """Return rows of one tensor of an episode; no more of it is read."""
        with safe_open(self.paths[index], 'pt') as file:
            return file.get_slice(name)[start:stop]


@dataclass(frozen=True, eq=False)
class Cache:
    """Where the processes of a run keep what they compute once.

    Attributes:
        folder: of all kinds.
        processes: which share the work.
        report: gives a callback for an activity, which is told the episodes done and all of them.
    """

    folder: Path
    processes: Processes
    report: Callable[[str], OnEpisode]

    def fill(
        self, files: EpisodeFiles, make: Callable[[int], dict[str, Tensor]], activity: str
    ) -> EpisodeFiles:
        """Make what is missing, the processes each their part, and wait for all of it."""
        # Shares are of all episodes: what is missing changes while other processes write.
        share = range(self.processes.index, len(files), self.processes.count)
        mine = [index for index in share if not files.paths[index].is_file()]
        on_episode = self.report(activity)
        for done, index in enumerate(mine, 1):
            files.write(index, **make(index))
            on_episode(done, len(mine))
        self.processes.wait()
        return files


def identities(data: Demonstrations) -> list[str]:
    """Return for each episode its name and a digest of its video."""
    return [
        f'{name}-{sha256_of(data.video_file(index))[:12]}' for index, name in enumerate(data.names)
    ]


def cache_frames(data: Demonstrations, cache: Cache) -> EpisodeFiles:
    """Keep each video at the model's size as ``video``: (T, 3, H, W) uint8."""
    key = key_of(*_size(data))
    files = EpisodeFiles(cache.folder / f'frames-{key}', identities(data))
    return cache.fill(files, lambda index: {'video': data.video(index)}, 'reading')


def cache_latents(
    data: Demonstrations, vae: VideoVae, cache: Cache, dtype: torch.dtype
) -> EpisodeFiles:
    """Keep each video as ``latent``: the normalised posterior mean (C, T', h, w)."""
    key = key_of(weights_key(vae), *_size(data), dtype)
    files = EpisodeFiles(cache.folder / f'latents-{key}', identities(data))
    parameter = next(vae.parameters())
    device = cache.processes.device

    def encode(index: int) -> dict[str, Tensor]:
        pixels = data.video(index)[None].transpose(1, 2).to(device)
        with torch.no_grad():
            latent = vae.encode(pixels.to(parameter.dtype) / 127.5 - 1)
        return {'latent': latent[0].to(dtype)}

    if files.missing():
        vae.to(device)
    cache.fill(files, encode, 'encoding')
    vae.to('cpu')
    return files


def _size(data: Demonstrations) -> tuple:
    return data.model.height, data.model.width, data.model.image_fit.value, data.camera


class InstructionTokens:
    """The tokens of each episode's instruction on disk, once a sentence, without padding."""

    def __init__(self, model: Vag, instructions: list[str], cache: Cache) -> None:
        self._distinct = sorted(set(instructions))
        key = key_of(model.cfg.text, getattr(model.text, 'identity', ''))
        names = [key_of(instruction) for instruction in self._distinct]
        self._files = EpisodeFiles(cache.folder / f'text-{key}', names)
        self._length = model.cfg.text.length
        self._index = [self._distinct.index(instruction) for instruction in instructions]

        self._fill(model, cache.processes)

    def _fill(self, model: Vag, processes: Processes) -> None:
        # All of it at once: a large encoder is loaded for each call.
        missing = self._files.missing()
        if missing and processes.main:
            encoded = model.encode_text([self._distinct[index] for index in missing])
            for index, tokens in zip(missing, encoded, strict=True):
                used = (tokens != 0).any(dim=1).nonzero()
                last = int(used.max()) + 1 if len(used) else 0
                self._files.write(index, tokens=tokens[:last])
        processes.wait()

    def read(self, episode: int) -> Tensor:
        """Return the (L, d) float32 tokens of an episode's instruction."""
        tokens = self._files.read(self._index[episode], 'tokens').float()
        return nn.functional.pad(tokens, (0, 0, 0, self._length - len(tokens)))
