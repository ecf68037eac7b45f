"""One evaluation from beginning to end: what is missing is measured, then all is reported."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from vag_sim.evaluation.methods import Method
from vag_sim.evaluation.results import FILE, Result, append_results, read_results
from vag_sim.evaluation.scenes import EvaluationScene
from vag_sim.evaluation.work import Outcome, plan_jobs, run_jobs
from vag_sim.pool import progress_bar, worker_count


class Session:
    """Methods measured in scenes, in one folder.

    Args:
        scenes: where.
        seeds: sampler seeds in each scene.
        methods: what is compared.
        checkpoint: folder of the one that the report is about.
        folder: receives results, report and pictures; what it holds already is kept.
        workers: processes; None for one per core.
        say: tells people how it goes.

    Raises:
        ValueError: the folder holds results of other weights.
    """

    def __init__(
        self,
        *,
        scenes: Sequence[EvaluationScene],
        seeds: int,
        methods: Sequence[Method],
        checkpoint: Path,
        folder: Path,
        workers: int | None = None,
        say: Callable[[str], None] = print,
    ):
        self._scenes, self._seeds, self._methods = scenes, seeds, methods
        self._checkpoint, self._folder = checkpoint, folder
        self._workers, self._say = workers, say
        self._skipped: dict[str, str] = {}
        self._jobs = plan_jobs(scenes, seeds, methods, read_results(folder / FILE), folder)

    def measure(self, *, say_duration: bool = False) -> None:
        """Measure what has no result yet; ``say_duration`` as soon as the first ones are timed."""
        total = len(self._scenes) * self._seeds
        kept = total - len(self._jobs)
        self._say(
            f'{len(self._scenes)} scenes x {self._seeds} sampler seeds, {len(self._methods)} '
            f'methods ({", ".join(method.name for method in self._methods)}); {kept} are done'
        )
        if not self._jobs:
            return
        workers = worker_count(self._jobs, self._workers)
        with progress_bar('scenes', total, kept) as advance:
            for done, outcome in enumerate(run_jobs(self._jobs, self._workers), 1):
                self._keep(outcome)
                advance()
                # Each process loads its models in its first scene.
                if say_duration and done == workers + 1:
                    self._say(f'all of it takes about {self._duration(outcome)}')
        for name, reason in self._skipped.items():
            self._say(f'{name}: {reason}: left out')

    def _keep(self, outcome: Outcome) -> None:
        append_results(self._folder / FILE, outcome.results)
        if outcome.skipped:
            self._skipped[outcome.job.scene.name] = outcome.skipped

    def _duration(self, outcome: Outcome) -> str:
        """Extrapolate from one job to all of them, by the number of their methods."""
        each = outcome.seconds / len(outcome.job.methods)
        count = sum(len(job.methods) for job in self._jobs)
        seconds = each * count / worker_count(self._jobs, self._workers)
        return f'{seconds / 3600:.1f} h' if seconds > 5400 else f'{seconds / 60:.0f} min'

    def results(self) -> list[Result]:
        """Return the results of these scenes, seeds and methods, in their order."""
        known = {result.key: result for result in read_results(self._folder / FILE)}
        keys = [
            (method.name, scene.task, scene.seed, seed)
            for method in self._methods
            for scene in self._scenes
            for seed in range(self._seeds)
        ]
        return [known[key] for key in keys if key in known]

    def report(self, *, as_json: bool = False) -> None:
        """Write report.json, report.md and pictures, and print the first or its main table."""
        from vag_core.checkpoint import find_checkpoint, hash_folder
        from vag_sim.evaluation import report
        from vag_sim.evaluation.aggregate import aggregate
        from vag_sim.evaluation.pictures import draw

        folder, cfg = find_checkpoint(self._checkpoint)
        identity, results = hash_folder(folder), self.results()
        rows = aggregate(results)
        try:
            recorded = folder.with_name(f'{folder.name}.recorded.json')
            rows += report.recorded_rows(recorded, identity, rows)
        except ValueError as error:
            self._say(f'{error}: its rows are left out')
        about = {
            'checkpoint': {
                'name': folder.name,
                'hash': identity,
                'evaluation': cfg.evaluation,
            },
            'methods': {method.name: method.identity for method in self._methods},
            'skipped': self._skipped,
        }
        notes = [f'Checkpoint {folder.name} ({identity[:12]}; {cfg.evaluation}).']
        if self._skipped:
            notes.append(
                f'{len(self._skipped)} scenes have no demonstration, or not every result; '
                'report.json says why.'
            )
        pictures = draw(rows, results, self._methods, self._folder)
        whole = report.report_of(rows, about)
        title = f'Evaluation of {folder.name}'
        text = report.markdown(rows, title, notes, pictures)
        report.write_report(self._folder, whole, text)
        print(json.dumps(whole, indent=1) if as_json else report.summary(rows))
        self._say(f'{self._folder / "report.md"}, report.json')
