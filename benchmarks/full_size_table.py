"""The results of full_size.py as Markdown."""

from collections.abc import Iterator


def table(results: dict) -> Iterator[str]:
    """Yield the results as Markdown."""
    machine, model = results['machine'], results['model']
    yield ', '.join(f'{key} {value}' for key, value in machine.items())
    yield ', '.join(f'{key} {value}' for key, value in model.items())
    for part in ('forward', 'action'):
        if part in results:
            yield from ('', f'| {part} | median s | TFLOP/s | distance |', '|---|---|---|---|')
        for name, row in results.get(part, {}).items():
            if 'unavailable' in row:
                yield f'| {name} | {row["unavailable"]} | | |'
                continue
            rate = f'{row["tflop_per_s"]:.3g}' if 'tflop_per_s' in row else ''
            distance = [f'{v:.1e}' for k, v in row.items() if k.startswith('distance')]
            yield f'| {name} | {row["median_s"]:.4f} | {rate} | {"".join(distance)} |'
    episodes = {
        'VAG': results.get('episode'),
        'VAG, compiled blocks': results.get('compiled'),
        "VAG on diffusers' schedule": results.get('diffusers', {}).get('vag'),
        "diffusers' pipeline": results.get('diffusers', {}).get('pipeline'),
    }
    names = ('whole', 'dit', 'action', 'encode', 'decode', 'other')
    yield from ('', f'| episode, s | {" | ".join(names)} | forwards | TFLOP/s | peak GiB |')
    yield '|---' * (len(names) + 4) + '|'
    for name, row in episodes.items():
        if row:
            seconds = ' | '.join(f'{row["seconds"][key]:.3f}' for key in names)
            peak = '' if row['peak_gib'] is None else f'{row["peak_gib"]:.1f}'
            yield f'| {name} | {seconds} | {row["forwards"]} | {row["tflop_per_s"]:.3g} | {peak} |'
    yield ''
    if 'episode' in results:
        yield f'The action stream takes {results["episode"]["action_share"]:.2%} of the episode.'
    if 'diffusers' in results:
        row = results['diffusers']
        verdict = 'equal' if row['equal'] else 'NOT EQUAL'
        yield (
            f"diffusers' pipeline takes {row['ratio_whole']:.3f} times as long "
            f'({row["ratio_dit"]:.3f} in the DiT); its latents differ by {row["distance"]:.2e} '
            f'(relative RMS), tolerance {row["tolerance"]:g}: {verdict}.'
        )
    if 'precision' in results:
        row = results['precision']
        yield (
            f'bfloat16 differs from float32 by {row["distance"]:.2e} (relative RMS of the clean '
            f'estimate, {row["blocks"]} blocks).'
        )
