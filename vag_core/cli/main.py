"""The ``vag`` command: each layer registers its verbs in the entry-point group ``vag.verbs``.

A verb is a module with ``SUMMARY``, ``add_arguments(parser)`` and ``run(arguments) -> exit code``.
A verb whose layer is not installed is listed all the same and names the install that brings it.
"""

import argparse
import importlib.util
import os
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

INSTALLS = {
    'vag_sim': "pip install 'vag-core[sim]'",
    'vag_ros': "'make setup' in a checkout, or colcon build on a ROS 2 machine",
}
ENVIRONMENT = Path(__file__).resolve().parents[2] / 'env.sh'


class MissingLayerError(Exception):
    """The layer of a verb is not installed; the message says what brings it."""


def main(arguments: list[str] | None = None) -> int:
    """Run ``vag`` with ``arguments`` (default: the command line) and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verbs = {verb.name: verb for verb in entry_points(group='vag.verbs')}
    verb = verbs.get(arguments[0]) if arguments else None
    if (verb is None or _layer(verb) == 'vag_ros') and not _ros_is_here():
        _enter_ros_environment(arguments)
    parser = argparse.ArgumentParser(
        prog='vag',
        description='Generate robot video and joint actions together, and replay them safely.',
        epilog='verbs:\n' + '\n'.join(_help_line(verb) for verb in sorted(verbs.values())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('verb', choices=sorted(verbs), metavar='VERB')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...')
    chosen = parser.parse_args(arguments)
    try:
        return _run_verb(verbs[chosen.verb], chosen.arguments)
    except MissingLayerError as error:
        print(f'vag {chosen.verb}: {error}', file=sys.stderr)
        return 2
    except ValueError as error:
        print(f'vag {chosen.verb}: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f'\nvag {chosen.verb}: interrupted', file=sys.stderr)
        return 130


def _run_verb(verb: EntryPoint, arguments: list[str]) -> int:
    if _layer(verb) == 'vag_ros' and not _ros_is_here():
        raise MissingLayerError(f'the ROS package is not built; {INSTALLS["vag_ros"]}')
    module = _load(verb)
    parser = argparse.ArgumentParser(prog=f'vag {verb.name}', description=module.SUMMARY)
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments))


def _layer(verb: EntryPoint) -> str:
    return verb.module.split('.')[0]


def _load(verb: EntryPoint) -> ModuleType:
    try:
        return verb.load()
    except ModuleNotFoundError as error:
        layer = _layer(verb)
        if layer not in INSTALLS:
            raise
        raise MissingLayerError(
            f'{error.name} is missing; it comes with {INSTALLS[layer]}'
        ) from None


def _help_line(verb: EntryPoint) -> str:
    try:
        summary = _load(verb).SUMMARY
    except MissingLayerError as error:
        summary = f'(not installed: {error})'
    return f'  {verb.name:12} {summary}'


def _ros_is_here() -> bool:
    try:
        return importlib.util.find_spec('vag_ros.msg') is not None
    except ModuleNotFoundError:
        return False


def _enter_ros_environment(arguments: list[str]) -> None:
    """Start again inside env.sh, if its Python runs this: a process keeps its library paths."""
    ours = Path(sys.prefix).resolve() == (ENVIRONMENT.parent / '.venv').resolve()
    if not ours or os.environ.get('VAG_ENVIRONMENT_ENTERED'):
        return
    command = [sys.executable, '-m', 'vag_core.cli.main', *arguments]
    os.execvpe(
        'bash',
        ['bash', '-c', '. "$0" && exec "$@"', str(ENVIRONMENT), *command],
        {**os.environ, 'VAG_ENVIRONMENT_ENTERED': '1'},
    )


if __name__ == '__main__':
    sys.exit(main())
