"""Time the full-size model with random weights on a GPU, beside diffusers' own pipeline.

    python benchmarks/full_size.py --out full_size.json [--repeat 3] [--parts forward,episode,...]
    python benchmarks/full_size.py --smoke          # the same code, shrunken, on the CPU

Weights are random unless --weights names a transformer's (time does not depend on them), text
is cached, computation in bfloat16.
Parts, each written to the JSON file as soon as it is done:

    forward    one DiT evaluation with each attention kernel, and with compiled blocks
    action     one U-Net evaluation: eager, compiled, as a CUDA graph
    episode    image to pixels: seconds of DiT, action stream and VAE, peak memory
    diffusers  Cosmos2VideoToWorldPipeline on the same weights, noise, image and text, and this
               project with its grid, solver and final sample: ratio of times, distance of latents
    compiled   the episode with compiled blocks
    precision  bfloat16 against float32, the first blocks only
"""

import argparse
import contextlib
import dataclasses
import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from clock import Clock, spread
from diffusers import DiffusionPipeline
from diffusers import __version__ as diffusers_version
from diffusers_pipeline import make_pipeline, run_pipeline
from full_size_table import table
from torch import Tensor

from vag_core import resources
from vag_core.configuration import load, read_yaml
from vag_core.cost import cost
from vag_core.flow import Grid, Solver
from vag_core.model import attention
from vag_core.model.attention import AttentionBackend, AttentionUnavailableError, set_attention
from vag_core.model.dit import Dit
from vag_core.model.image_fit import to_pixels
from vag_core.model.vag import Vag, VagConfig
from vag_core.model.weights import load_transformer
from vag_core.sample import SamplerConfig, denoise, draw_noise

PARTS = ('forward', 'action', 'episode', 'diffusers', 'compiled', 'precision')
GIB = 2**30
# The pipeline rounds its clean estimates to bfloat16 and this project does not, so that the two
# can't agree to more than that type's digits after some thirty guided steps.
TOLERANCE = 0.05
TOKENS_OF_TEXT = 40


def configuration(smoke: bool) -> VagConfig:
    """Return the paper's model, or the same with every size cut down."""
    mapping = read_yaml(resources.find('config/models/cosmos_2b.yaml'))['model']
    if smoke:
        mapping |= {'frames': 9, 'height': 32, 'width': 48}
        mapping['vae']['wan'] = {'base_dim': 4, 'dim_mult': [1, 1, 2, 2], 'num_res_blocks': 1}
        mapping['text'] |= {'dim': 16, 'length': 64}
        mapping['video']['network'] |= {
            'num_layers': 2,
            'num_attention_heads': 2,
            'attention_head_dim': 24,
            'text_embed_dim': 16,
            'adaln_lora_dim': 8,
        }
        mapping['action']['network'] |= {'down_dims': [8, 16, 32]}
        mapping['sampler'] |= {'steps': 3}
    return load(VagConfig, mapping)


class Benchmark:
    """The model, what it is given, and the results so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.device = torch.device(options.device)
        cfg = configuration(options.smoke)
        sampler = cfg.sampler
        if options.steps:
            sampler = dataclasses.replace(sampler, steps=options.steps)
        self.cfg = dataclasses.replace(cfg, sampler=sampler)
        torch.manual_seed(0)
        with self.device:
            self.model = Vag(self.cfg).eval().requires_grad_(False)
        if options.weights:
            network = load_transformer(options.weights, cfg.video.network, device=self.device)
            self.model.video.network = network.requires_grad_(False)
        self.model.video.bfloat16()
        self.model.vae.bfloat16()
        self._silence_posterior()
        self.network = self.model.video.network
        generator = torch.Generator().manual_seed(1)
        text = torch.randn(1, cfg.text.length, cfg.text.dim, generator=generator)
        text[:, TOKENS_OF_TEXT:] = 0
        self.text = text.to(self.device, torch.bfloat16)
        self.image = torch.rand(1, 3, cfg.height, cfg.width, generator=generator).to(self.device)
        self.noise = draw_noise(self.model, [2])
        self.cost = cost(self.cfg)
        self.results: dict = {'machine': self._machine(), 'model': self._model()}

    def _silence_posterior(self) -> None:
        """Make the VAE's posterior narrow: diffusers samples it, this project takes its mean."""
        channels = self.model.vae.latent_channels
        self.model.vae.quant_conv.weight[channels:] = 0
        self.model.vae.quant_conv.bias[channels:] = -30

    def _machine(self) -> dict:
        machine = {
            'device': platform.processor() or platform.machine(),
            'python': platform.python_version(),
            'torch': torch.__version__,
            'diffusers': diffusers_version,
            'threads': torch.get_num_threads(),
            'flash_attn_interface': attention.flash_attention_3 is not None,
        }
        if self.device.type == 'cuda':
            machine['device'] = torch.cuda.get_device_name(self.device)
            machine['cuda'] = torch.version.cuda
            machine['cudnn'] = torch.backends.cudnn.version()
        return machine

    def _model(self) -> dict:
        return {
            'smoke': self.options.smoke,
            'clip': [self.cfg.frames, self.cfg.height, self.cfg.width],
            'video_parameters': self.cost.video_parameters,
            'action_parameters': self.cost.action_parameters,
            'tokens': self.cost.tokens,
            'forward_tflop': self.cost.forward_flop / 1e12,
            'steps': self.cfg.sampler.steps,
            'guidance': self.cfg.sampler.guidance,
        }

    def save(self, part: str, result: dict) -> None:
        self.results[part] = result
        if self.options.out:
            Path(self.options.out).write_text(json.dumps(self.results, indent=2) + '\n')

    def seconds_of(self, function: Callable[[], object], repeat: int | None = None) -> list[float]:
        """Run once to warm up, then measure."""
        function()
        clock = Clock(self.device)
        for _ in range(repeat or max(3, self.options.repeat)):
            with clock.measure('call'):
                function()
        return clock.seconds('call')

    def forward_arguments(self) -> tuple[Tensor, ...]:
        """Return what the video stream is given in the middle of a sampling."""
        times = torch.full((1,), 0.740594, device=self.device)
        return self.noise[0], times, self.noise[0][:, :, :1], self.text

    def forward(self) -> dict:
        """Measure every attention kernel, then compiled blocks with the default one."""
        arguments = self.forward_arguments()
        reference = self.model.video(*arguments)
        rows = {}
        for backend in AttentionBackend:
            if backend is AttentionBackend.MATH and not self.options.smoke:
                rows['math'] = {'unavailable': 'would hold every score in memory'}
                continue
            try:
                set_attention(self.model, backend)
                seconds = self.seconds_of(lambda: self.model.video(*arguments))
            except AttentionUnavailableError as error:
                rows[backend.value] = {'unavailable': str(error)}
                continue
            distance = relative(self.model.video(*arguments), reference)
            rows[backend.value] = self.rated(seconds) | {'distance_from_auto': distance}
        set_attention(self.model, AttentionBackend.AUTO)
        with self.compiled_blocks():
            seconds = self.seconds_of(lambda: self.model.video(*arguments))
            distance = relative(self.model.video(*arguments), reference)
        rows['auto, compiled'] = self.rated(seconds) | {'distance_from_auto': distance}
        return rows

    def rated(self, seconds: list[float]) -> dict:
        rate = self.cost.forward_flop / statistics.median(seconds) / 1e12
        return {**spread(seconds), 'tflop_per_s': rate}

    @contextlib.contextmanager
    def compiled_blocks(self) -> Iterator[None]:
        for block in self.network.transformer_blocks:
            block.compile(backend=self.options.compiler)
        try:
            yield
        finally:
            for block in self.network.transformer_blocks:
                block._compiled_call_impl = None

    def action(self) -> dict:
        """Measure the action stream alone."""
        arguments = (self.noise[1], torch.full((1,), 0.74, device=self.device), self.noise[0])
        arguments += (self.text.float(), None)
        stream = self.model.action
        rows = {'eager': spread(self.seconds_of(lambda: stream(*arguments)))}
        compiled = torch.compile(stream, backend=self.options.compiler)
        rows['compiled'] = spread(self.seconds_of(lambda: compiled(*arguments)))
        if self.device.type == 'cuda':
            replay, output = captured(lambda: stream(*arguments))
            rows['cuda graph'] = spread(self.seconds_of(replay))
            replay()
            rows['cuda graph']['distance_from_eager'] = relative(output, stream(*arguments))
        return rows

    def sample(self, sampler: SamplerConfig) -> tuple[Tensor, dict]:
        """Generate one episode; return the latent and where the seconds went."""
        clock = Clock(self.device)
        self.reset_peak()
        with clock.measure('whole'), clock.watch(dit=self.model.video, action=self.model.action):
            with clock.measure('encode'):
                first = self.model.vae.encode(2 * self.image[:, :, None] - 1)
            *_, last = denoise(self.model, first, self.text, self.noise, sampler)
            with clock.measure('decode'):
                pixels = self.model.vae.decode(last.video)
            to_pixels(pixels.transpose(1, 2))
            last.actions.cpu()
        return last.video, self.split(clock)

    def split(self, clock: Clock) -> dict:
        names = ('whole', 'dit', 'action', 'encode', 'decode')
        seconds = {name: sum(clock.seconds(name)) for name in names}
        forwards = len(clock.seconds('dit'))
        seconds['other'] = 2 * seconds['whole'] - sum(seconds.values())
        return {
            'seconds': seconds,
            'forwards': forwards,
            'tflop_per_s': forwards * self.cost.forward_flop / seconds['dit'] / 1e12,
            'peak_gib': self.peak(),
        }

    def reset_peak(self) -> None:
        gc.collect()
        if self.device.type == 'cuda':
            torch.cuda.empty_cache()
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()

    def peak(self) -> float | None:
        if self.device.type != 'cuda':
            return None
        return torch.cuda.max_memory_allocated() / GIB

    def repeated(self, run: Callable[[], tuple[Tensor, dict]]) -> tuple[Tensor, dict]:
        """Repeat an episode; return the last latent and medians, with the range of the whole."""
        rows = []
        for _ in range(self.options.repeat):
            latent, row = run()
            rows.append(row)
        summary = dict(rows[-1])
        summary['seconds'] = {
            name: statistics.median(row['seconds'][name] for row in rows)
            for name in rows[0]['seconds']
        }
        summary['whole'] = spread([row['seconds']['whole'] for row in rows])
        return latent, summary

    def episode(self) -> dict:
        self.model.video(*self.forward_arguments())
        latent, row = self.repeated(lambda: self.sample(self.cfg.sampler))
        row['finite'] = bool(latent.isfinite().all())
        row['action_share'] = row['seconds']['action'] / row['seconds']['whole']
        return row

    def compiled(self) -> dict:
        expected, _ = self.sample(self.cfg.sampler)
        with self.compiled_blocks():
            self.model.video(*self.forward_arguments())
            latent, row = self.repeated(lambda: self.sample(self.cfg.sampler))
        return row | {'distance_from_eager': relative(latent, expected)}

    def diffusers(self) -> dict:
        """Run both on the pipeline's own schedule: its grid, Euler, the sample as it is."""
        pipeline = make_pipeline(self.model)
        sampler = dataclasses.replace(
            self.cfg.sampler, grid=Grid.DIFFUSERS, solver=Solver.EULER, final_clean=False
        )
        ours, own = self.repeated(lambda: self.sample(sampler))
        theirs, other = self.repeated(lambda: self.sample_with(pipeline))
        distance = relative(ours, theirs)
        return {
            'vag': own,
            'pipeline': other,
            'ratio_whole': other['seconds']['whole'] / own['seconds']['whole'],
            'ratio_dit': other['seconds']['dit'] / own['seconds']['dit'],
            'distance': distance,
            'tolerance': self.options.tolerance,
            'equal': distance <= self.options.tolerance,
        }

    def sample_with(self, pipeline: DiffusionPipeline) -> tuple[Tensor, dict]:
        clock = Clock(self.device)
        self.reset_peak()
        latent = run_pipeline(
            pipeline, clock, self.cfg, image=self.image, text=self.text, noise=self.noise[0]
        )
        return latent, self.split(clock)

    def precision(self) -> dict:
        """Compare one evaluation of the first blocks in both types, on the same weights."""
        blocks = min(4, self.cfg.video.network.num_layers)
        network = dataclasses.replace(self.cfg.video.network, num_layers=blocks)
        with torch.device('meta'):
            truncated = Dit(network)
        weights = self.network.state_dict()
        truncated.load_state_dict(
            {key: weights[key].float() for key in truncated.state_dict()}, assign=True
        )
        stream = self.model.video
        self.reset_peak()
        try:
            stream.network = truncated.eval()
            exact = stream(*self.forward_arguments())
            stream.network = truncated.bfloat16()
            rounded = stream(*self.forward_arguments())
        finally:
            stream.network = self.network
        return {'blocks': blocks, 'distance': relative(rounded, exact), 'peak_gib': self.peak()}


def relative(found: Tensor, expected: Tensor) -> float:
    """Return the root mean square difference relative to that of ``expected``."""
    found, expected = found.float(), expected.float()
    return float((found - expected).square().mean().sqrt() / expected.square().mean().sqrt())


def captured(function: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Capture ``function`` in a CUDA graph; return its replay and the tensor that it fills."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = function()
    return graph.replay, output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--smoke', action='store_true', help='shrunken, on the CPU')
    parser.add_argument('--weights', help='folder or file of a pretrained transformer')
    parser.add_argument('--device', default=None, help='default: cuda; with --smoke cpu')
    parser.add_argument('--steps', type=int, help="default: the configuration's")
    parser.add_argument('--repeat', type=int, default=3, help='episodes of each kind')
    parser.add_argument('--parts', default=','.join(PARTS), help='comma-separated')
    parser.add_argument('--compiler', default=None, help='torch.compile backend')
    parser.add_argument('--tolerance', type=float, default=TOLERANCE)
    parser.add_argument('--out', help='JSON file')
    options = parser.parse_args()
    options.device = options.device or ('cpu' if options.smoke else 'cuda')
    # The default compiler needs a C++ compiler on a CPU; the smoke run is about this script.
    options.compiler = options.compiler or ('eager' if options.smoke else 'inductor')
    parts = options.parts.split(',')
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        parser.error(f'--parts: unknown {", ".join(unknown)}; there are {", ".join(PARTS)}')
    with torch.inference_mode():
        benchmark = Benchmark(options)
        for part in parts:
            started = time.perf_counter()
            benchmark.save(part, getattr(benchmark, part)())
            print(f'{part}: done in {time.perf_counter() - started:.1f} s', flush=True)
    print('\n'.join(table(benchmark.results)))


if __name__ == '__main__':
    main()
