"""Time one generation: seconds by stage, peak memory, and the floor that arithmetic alone sets.

    python benchmarks/generate.py [--checkpoint tiny] [--device cpu] [--threads N] [--repeat 5]

The floor divides the floating-point operations of the generation by what one large float32
matrix product reaches here, on the same device with the same threads.
"""

import argparse
import os
import platform
import resource
import statistics
import time

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from vag_core import resources
from vag_core.checkpoint import load_checkpoint
from vag_core.cost import matmul_rate
from vag_core.generate import Request, generate


def attention_flops(query, key, value, *_, **__) -> int:
    """Count the CPU's fused attention kernel, which torch's own table leaves out."""
    return sdpa_flop_count(query, key, value)


COUNTED = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention_flops}


def processor() -> str:
    """Return the processor's name as the kernel knows it."""
    with open('/proc/cpuinfo') as lines:  # noqa: PTH123
        named = (line.split(':')[1].strip() for line in lines if line.startswith('model name'))
        return next(named, platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--checkpoint', default=resources.DEFAULT_CHECKPOINT, help='name or folder'
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, help='default: what torch chooses')
    parser.add_argument('--repeat', type=int, default=5)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    load = os.getloadavg()[0]
    started = time.perf_counter()
    checkpoint = load_checkpoint(arguments.checkpoint, arguments.device)
    loading = time.perf_counter() - started
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)
    start = None
    if checkpoint.config.model.action.start_state:
        start = np.zeros(checkpoint.embodiment.dimension)
    request = Request(image, 'pick up the red cube with the left arm', seed=1, start_state=start)
    with FlopCounterMode(display=False, custom_mapping=COUNTED) as counter:
        generate(checkpoint, [request])
    flops = counter.get_total_flops()
    runs = []
    for _ in range(arguments.repeat):
        started = time.perf_counter()
        timings = generate(checkpoint, [request])[0].timings
        runs.append({**timings, 'whole': time.perf_counter() - started})
    rate = matmul_rate(arguments.device)
    print(f'checkpoint {checkpoint.name} ({checkpoint.evaluation}), hash {checkpoint.hash[:12]}')
    print(f'{processor()}, {arguments.device}, {torch.get_num_threads()} threads, ', end='')
    print(f'torch {torch.__version__}, load {load:.1f} before it began')
    print(f'loading      {loading:7.3f} s')
    for stage in runs[0]:
        values = [run[stage] for run in runs]
        print(f'{stage:12} {statistics.median(values):7.3f} s  (', end='')
        print(f'{min(values):.3f} to {max(values):.3f}, {len(values)} runs)')
    print(f'floor        {flops / rate:7.3f} s  ({flops / 1e9:.1f} GFLOP', end='')
    print(f' at {rate / 1e9:.0f} GFLOP/s of a float32 matrix product)')
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'peak memory  {peak:7.0f} MiB resident, the whole process')


if __name__ == '__main__':
    main()
