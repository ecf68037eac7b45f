"""``vag run``: the main job once, from start to end, for people, scripts and CI.

Starts the stack (unless ``--attach``), generates an episode, approves its plan, replays it, waits
for the bag and prints what came of it. Every step goes through the public topics, services and
actions.
"""

import argparse
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vag_ros.supervisor import Supervisor

SUMMARY = 'generate, approve and replay one episode, recorded to a bag'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    from vag_core import resources
    from vag_core.robot import profile_names

    parser.add_argument(
        '--instruction',
        default='pick up the red cube with the left arm',
        help='what the robot is asked to do (default: %(default)s)',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='of the sampler and of the simulated scene (default: 0)',
    )
    parser.add_argument(
        '--task',
        default='pick_lift',
        help='of the simulated scene (docs/tasks.md); auto: the one that the instruction asks '
        'for (default: %(default)s)',
    )
    parser.add_argument(
        '--robot',
        default='sim',
        help=f'profile: {", ".join(profile_names())}, or the path of a YAML file (default: sim)',
    )
    parser.add_argument(
        '--checkpoint',
        default=resources.DEFAULT_CHECKPOINT,
        help='name or folder (default: %(default)s)',
    )
    parser.add_argument('--device', default='auto', choices=('auto', 'cpu', 'cuda'))
    parser.add_argument(
        '--headless',
        action=argparse.BooleanOptionalAction,
        default=not os.environ.get('DISPLAY'),
        help='without a window on the scene (default: when there is no display)',
    )
    parser.add_argument(
        '--output-dir',
        type=Path,
        default=Path('output'),
        help='receives episodes, bags and logs (default: %(default)s)',
    )
    parser.add_argument('--namespace', default='', help='namespace of all nodes')
    parser.add_argument(
        '--dry-run',
        action=argparse.BooleanOptionalAction,
        default=None,
        help='plan and show, send no command (default: on, except for the simulated robot)',
    )
    parser.add_argument(
        '--arm', action='store_true', help='arm a real robot; you are asked before anything moves'
    )
    parser.add_argument(
        '--attach', action='store_true', help='use a stack that is running instead of starting one'
    )


def run(arguments: argparse.Namespace) -> int:
    """Do the job; 0 when every step succeeded, 1 when one failed, 130 after Ctrl-C."""
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from vag_ros.client import StackError
    from vag_ros.main_job import MainJob
    from vag_ros.stack import StackOptions, describe
    from vag_ros.supervisor import ExecutableNotFoundError, Supervisor

    output = arguments.output_dir.resolve()
    try:
        task = arguments.task
        if not arguments.attach:
            task = scene_task(task, arguments.robot, arguments.instruction)
    except ValueError as error:
        print(f'vag run: {error}')
        return 1
    options = StackOptions(
        robot=arguments.robot,
        checkpoint=arguments.checkpoint,
        device=arguments.device,
        approval='operator',
        dry_run=arguments.dry_run,
        headless=arguments.headless,
        namespace=arguments.namespace,
        output_dir=output / 'episodes',
        bag_dir=output / 'bags',
        seed=arguments.seed,
        task=task,
    )
    started = time.monotonic()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    stack = None
    try:
        with ExitStack() as scope:
            scope.callback(rclpy.try_shutdown)
            check = _nothing
            if not arguments.attach:
                logs = output / 'logs' / datetime.now(UTC).strftime('%Y%m%dT%H%M%SZ')
                stack = Supervisor(describe(options), logs)
                check = _deaths(scope.enter_context(stack))
            job = MainJob(arguments, check, started)
            scope.callback(job.close)
            return job.run()
    except (StackError, ExecutableNotFoundError) as error:
        print(f'vag run: {error}')
        return 1
    except KeyboardInterrupt:
        print(f'\nvag run: interrupted; {_how_it_ended(stack)}')
        return 130


def scene_task(task: str, robot: str, instruction: str) -> str:
    """Return the task of the simulated scene, ``auto`` being what the instruction asks for.

    Raises:
        ValueError: there is no such task, or the instruction doesn't say which.
    """
    from vag_core.robot import load_profile

    if not load_profile(robot).simulated:
        return task
    from vag_sim.phrasing import task_of
    from vag_sim.tasks import make_task

    task = task_of(instruction) if task == 'auto' else task
    make_task(task)
    return task


def _how_it_ended(stack: 'Supervisor | None') -> str:
    if stack is None:
        return 'the running goal was cancelled; the stack goes on'
    return ', '.join(stack.ended_wrong()) or 'all nodes ended in order: arms at rest, bag closed'


def _nothing() -> None:
    """Accept a stack that somebody else looks after."""


def _deaths(stack: 'Supervisor') -> Callable[[], None]:
    from vag_ros.client import StackError

    def check() -> None:
        if deaths := stack.failed():
            raise StackError(deaths)

    return check
