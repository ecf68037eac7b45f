"""What a set of synthesised episodes came to: shares by task, reasons, agreement."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vag_core.episode import list_episodes
from vag_core.metrics.intervals import wilson
from vag_sim.synthesis.settings import SETTINGS_FILE
from vag_sim.synthesis.verdict import Outcome

FOLDERS = tuple(dict.fromkeys(outcome.folder for outcome in Outcome))
NO_TASK = 'pictures'


def summarise(out: Path) -> dict[str, Any]:
    """Write ``summary.json`` and ``summary.md`` of the set in ``out`` and return the former."""
    headers = [
        json.loads((folder / 'episode.json').read_text())
        for part in FOLDERS
        for folder in list_episodes(out / part)
    ]
    groups: dict[str, list[dict]] = {}
    for header in headers:
        groups.setdefault(header['provenance'].get('task', NO_TASK), []).append(header)
    groups = dict(sorted(groups.items()))
    judged = [h for h in headers if h['success'] is not None]
    if judged:
        groups = {'all': judged, **groups}
    summary = {
        'settings': json.loads((out / SETTINGS_FILE).read_text()),
        'tasks': {name: _group(members) for name, members in groups.items()},
    }
    (out / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
    (out / 'summary.md').write_text(table(summary) + '\n')
    return summary


def _group(headers: Sequence[dict]) -> dict[str, Any]:
    verdicts = [header['provenance']['verdict'] for header in headers]
    outcomes = Counter(verdict['outcome'] for verdict in verdicts)
    timings = [sum(header['provenance']['timings_s'].values()) for header in headers]
    found = {
        'episodes': len(headers),
        'outcomes': {o.value: outcomes[o.value] for o in Outcome if outcomes[o.value]},
        'generation_s': round(float(np.mean(timings)), 3),
    }
    judged = [header for header in headers if header['success'] is not None]
    if judged:
        share = wilson(outcomes[Outcome.KEPT.value] / len(judged), len(judged))
        found['kept'] = {'share': share.value, 'low': share.low, 'high': share.high}
        found['replay_success'] = sum(header['success'] for header in judged)
        for name, wanted in (('successes', True), ('failures', False)):
            values = [
                header['provenance']['verdict']['consistency_db']
                for header in judged
                if header['success'] is wanted
            ]
            values = [value for value in values if value is not None]
            if values:
                quartiles = np.percentile(values, [25, 50, 75])
                found[f'consistency_db_of_{name}'] = [round(float(q), 2) for q in quartiles]
    return found


def table(summary: dict[str, Any]) -> str:
    """Return a Markdown table of a summary."""
    reasons = [o.value for o in Outcome if o not in (Outcome.KEPT, Outcome.UNJUDGED)]
    lines = [
        f'| task | episodes | kept [95 %] | {" | ".join(reasons)} | dB of successes |',
        '|' + '---|' * (4 + len(reasons)),
    ]
    for name, group in summary['tasks'].items():
        kept = 'not judged'
        if share := group.get('kept'):
            low, high = 100 * share['low'], 100 * share['high']
            kept = f'{100 * share["share"]:.1f} % [{low:.1f}, {high:.1f}]'
        counts = ' | '.join(str(group['outcomes'].get(reason, 0)) for reason in reasons)
        median = group.get('consistency_db_of_successes', [None, None])[1]
        agreement = '' if median is None else f'{median:.1f}'
        lines.append(f'| {name} | {group["episodes"]} | {kept} | {counts} | {agreement} |')
    return '\n'.join(lines)
