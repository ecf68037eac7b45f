"""``vag generate``: image and instruction to episode folders."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vag_core import resources

if TYPE_CHECKING:
    import torch

    from vag_core.checkpoint import Checkpoint, CheckpointConfig
    from vag_core.synthesis import Item

SUMMARY = 'generate video and joint actions from an image and instructions'
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--checkpoint',
        default=resources.DEFAULT_CHECKPOINT,
        help='name or folder (default: %(default)s)',
    )
    parser.add_argument('--image', type=Path, help='JPEG or PNG that the episodes start from')
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--instruction', help='what the robot shall do')
    what.add_argument(
        '--instructions',
        type=Path,
        metavar='FILE',
        help='an instruction a line; or .yaml, .json, .jsonl with entries of instruction, image, '
        'seed, start_state',
    )
    parser.add_argument(
        '--start-state',
        type=float,
        nargs='+',
        metavar='Q',
        help='joint positions at the image, for a checkpoint that asks for them',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('output/episodes'),
        help='receives a folder per episode; what is there already is not made again '
        '(default: output/episodes)',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the noise (default: 0)')
    parser.add_argument(
        '--seeds', type=int, default=1, metavar='N', help='N seeds from --seed on (default: 1)'
    )
    own = "default: the checkpoint's"
    parser.add_argument('--steps', type=int, help=f'of the solver; {own}')
    parser.add_argument('--guidance', type=float, help=f'strength of the text; {own}')
    parser.add_argument('--solver', choices=('ab2', 'euler'), help=own)
    parser.add_argument('--negative', help=f'what guidance leads away from; {own}')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--dtype', choices=('float32', 'bfloat16'), help=f'of the video; {own}')
    parser.add_argument(
        '--attention',
        choices=('auto', 'flash', 'efficient', 'cudnn', 'math', 'flash3'),
        default='auto',
        help='kernel of the video stream (default: auto)',
    )
    parser.add_argument(
        '--batch',
        type=_batch,
        default='auto',
        metavar='N',
        help='episodes sampled together (default: auto, what the memory holds)',
    )
    parser.add_argument(
        '--text-cache', type=Path, metavar='DIR', help="of T5 tokens; default: the user's cache"
    )


def run(args: argparse.Namespace) -> int:
    """Generate and return 0, 1 without enough memory, 2 for unusable input, 130 after Ctrl-C."""
    from vag_core.batching import out_of_memory
    from vag_core.generate import GenerationCancelled
    from vag_core.model.attention import AttentionUnavailableError

    made: list[Path] = []
    wanted: list[Item] = []
    try:
        _generate(args, wanted, made)
    except (GenerationCancelled, KeyboardInterrupt):
        left = len(wanted) - len(made)
        print(
            f'\ninterrupted: {_count(made)} made and whole in {args.out}; '
            f'the same command makes the {left} left',
            file=sys.stderr,
        )
        return INTERRUPTED
    except (ValueError, FileNotFoundError, AttentionUnavailableError) as error:
        print(f'vag generate: {error}', file=sys.stderr)
        return 2
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not out_of_memory(error):
            raise
        what = 'out of memory: ' if isinstance(error, RuntimeError) else ''
        print(f'vag generate: {what}{error}', file=sys.stderr)
        return 1
    return 0


def _generate(args: argparse.Namespace, wanted: list['Item'], made: list[Path]) -> None:
    """Fill ``wanted`` with what is to be made and ``made`` with the folders that are whole."""
    from vag_core.checkpoint import DTYPES, find_checkpoint, hash_folder, load_checkpoint
    from vag_core.cli.generate_progress import GenerateProgress
    from vag_core.cli.interruption import interruption
    from vag_core.generate import sampler_of
    from vag_core.model.attention import set_attention
    from vag_core.model.text import TextKind, make_text
    from vag_core.synthesis import missing, synthesise

    folder, cfg = find_checkpoint(args.checkpoint)
    device = _device(args.device)
    items = _items(args, cfg, hash_folder(folder))
    wanted += missing(items, args.out)
    if len(wanted) < len(items):
        print(f'{len(items) - len(wanted)} of {len(items)} episodes are in {args.out} already')
    if not wanted:
        return
    args.out.mkdir(parents=True, exist_ok=True)
    # A large text encoder is loaded, used and freed before the model is loaded.
    text = make_text(cfg.model.text, cfg.weights.get('text'), device, args.text_cache)
    if cfg.model.text.kind is TextKind.T5:
        print('text: T5 loads if an instruction is not in the cache')
    requests = [item.request for item in wanted]
    negatives = [sampler_of(cfg.model.sampler, request).negative for request in requests]
    text.encode([*(request.instruction for request in requests), *negatives])
    checkpoint = load_checkpoint(folder, device, DTYPES.get(args.dtype), args.text_cache)
    # The action stream's few tokens stay in float32, which not every kernel takes.
    set_attention(checkpoint.model.video, args.attention)
    size = _batch_size(args.batch, len(wanted), checkpoint)
    print(
        f'checkpoint {checkpoint.name} ({checkpoint.evaluation}) on {device}, '
        f'{_count(wanted)}, {size} at a time'
    )
    started = time.perf_counter()
    with GenerateProgress(len(wanted)) as progress, interruption(progress.say) as cancelled:
        for path in synthesise(
            checkpoint,
            wanted,
            args.out,
            size,
            on_progress=progress.of_batch,
            on_smaller=lambda size: progress.say(f'out of memory: now {size} at a time'),
            cancelled=cancelled,
        ):
            made.append(path)
            progress.finished(path)
    seconds = time.perf_counter() - started
    print(f'{_count(made)} in {seconds:.1f} s; {_peak_memory(device)}')


def _items(args: argparse.Namespace, cfg: 'CheckpointConfig', checkpoint_hash: str):
    from vag_core.configuration import to_mapping
    from vag_core.flow import Solver
    from vag_core.generate import Request, sampler_of
    from vag_core.jobs import Job, JobError, check, read_jobs, with_seeds
    from vag_core.synthesis import Item

    if args.seeds < 1:
        raise JobError(f'--seeds = {args.seeds}: must be at least 1')
    if args.instructions is not None:
        if args.start_state is not None:
            raise JobError("--start-state: a file's entries have their own, start_state")
        jobs = read_jobs(args.instructions, args.image, args.seed)
    elif args.image is None:
        raise JobError('--image: missing')
    else:
        state = args.start_state and tuple(args.start_state)
        jobs = [check(Job(args.instruction, args.image, args.seed, state))]
    if cfg.model.action.start_state and any(job.start_state is None for job in jobs):
        raise JobError(
            f'start_state: the checkpoint needs the {cfg.embodiment.dimension} joint positions at '
            'the image; --start-state or --instructions FILE can give them'
        )
    jobs = with_seeds(jobs, args.seeds)
    pixels = {job.image: job.pixels() for job in jobs}
    dtype = args.dtype or cfg.dtype
    items: dict[str, Item] = {}
    for job in jobs:
        request = Request(
            pixels[job.image],
            job.instruction,
            job.seed,
            steps=args.steps,
            guidance=args.guidance,
            solver=args.solver and Solver(args.solver),
            negative=args.negative,
            start_state=job.start_state,
        )
        sampler = sampler_of(cfg.model.sampler, request)
        name = job.name(checkpoint_hash, dtype, to_mapping(sampler))
        items[name] = Item(name, job, request)
    return list(items.values())


def _device(name: str) -> 'torch.device':
    import torch

    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ('cpu', 'cuda'):
        raise ValueError(f'--device = {name!r}: allowed are auto, cpu, cuda, cuda:N')
    count = torch.cuda.device_count()
    if device.type == 'cuda' and (device.index or 0) >= count:
        raise ValueError(f'--device = {name!r}: torch sees {count} GPUs here')
    return device


def _batch(text: str) -> int | str:
    if text == 'auto' or (text.isdecimal() and int(text)):
        return text if text == 'auto' else int(text)
    raise argparse.ArgumentTypeError(f'{text!r}: must be auto or at least 1')


def _batch_size(batch: int | str, count: int, checkpoint: 'Checkpoint') -> int:
    from vag_core.batching import estimated_batch

    if batch == 'auto' and count > 1:
        model = checkpoint.model
        batch = estimated_batch(model.cfg, model.device, checkpoint.dtype.itemsize)
    return count if batch == 'auto' else min(batch, count)


def _count(episodes: list) -> str:
    return f'{len(episodes)} episode{"" if len(episodes) == 1 else "s"}'


def _peak_memory(device: 'torch.device') -> str:
    import torch

    # A process that starts in a forked child inherits the parent's ru_maxrss; VmHWM is its own.
    with open('/proc/self/status') as lines:  # noqa: PTH123
        peak = next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))
    text = f'peak memory {peak / 2**20:.2f} GiB'
    if device.type == 'cuda':
        text += f', on the GPU {torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB'
    return text
