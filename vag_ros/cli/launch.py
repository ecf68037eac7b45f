"""``vag launch``: the stack until Ctrl-C, the same that the ROS launch file starts."""

import argparse
import signal
from datetime import UTC, datetime
from pathlib import Path

SUMMARY = 'start the stack for its operator, where there is no ros2 launch'
POLL_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options; the launch arguments are those of the launch file."""
    from vag_ros.stack import arguments

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = 'arguments:\n' + '\n'.join(
        f'  {a.name}:={a.default}\n      {a.description}' for a in arguments()
    )
    parser.add_argument(
        'arguments', nargs='*', metavar='NAME:=VALUE', help='launch arguments, listed below'
    )
    parser.add_argument(
        '--log-dir', type=Path, help='receives what each node prints (default: below output/logs)'
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the stack and show what its nodes print until SIGINT or SIGTERM asks for the end.

    Returns 0 after an end in order, 1 when a node has ended by itself or not as it should.
    """
    from vag_ros.end_request import EndRequest
    from vag_ros.stack import describe, parse
    from vag_ros.supervisor import ExecutableNotFoundError, Supervisor

    # Asked for as early and as often as may be, the end comes once and in order.
    end = EndRequest()
    end.listen((signal.SIGINT, signal.SIGTERM))
    processes = describe(parse(read_arguments(arguments.arguments)))
    stamp = datetime.now(UTC).strftime('%Y%m%dT%H%M%SZ')
    log_dir = arguments.log_dir or Path('output/logs') / stamp
    required = {process.name for process in processes if process.required}
    printed = Printed(log_dir, [process.name for process in processes])
    try:
        stack = Supervisor(processes, log_dir)
    except ExecutableNotFoundError as error:
        print(f'vag launch: {error}')
        return 1
    if end.asked:
        print('vag launch: asked to end before anything was started')
        return 0
    with stack:
        print(f'{len(processes)} nodes, logs in {log_dir}; Ctrl-C ends them in order', flush=True)
        ended: set[str] = set()
        while not ended and not end.wait(POLL_S):
            printed.show()
            ended = {d.name for d in stack.deaths() if not d.respawned} & required
    printed.show()
    if ended:
        print(f'vag launch: {", ".join(ended)} has ended, so the stack ends')
        return 1
    wrong = stack.ended_wrong()
    print(', '.join(wrong) or 'all nodes ended in order: arms at rest, bag closed')
    return 1 if wrong else 0


def read_arguments(words: list[str]) -> dict[str, str]:
    """Read ``NAME:=VALUE``; ValueError names what is none or unknown."""
    from vag_ros.stack import arguments

    known = [argument.name for argument in arguments()]
    found = {}
    for word in words:
        name, separator, value = word.partition(':=')
        if not separator:
            raise ValueError(f'{word!r}: expected NAME:=VALUE')
        if name not in known:
            raise ValueError(f'{name}: unknown; launch arguments are {", ".join(known)}')
        found[name] = value
    return found


class Printed:
    """What the nodes have printed into their logs and was not shown yet."""

    def __init__(self, log_dir: Path, nodes: list[str]) -> None:
        self._logs = {node: log_dir / f'{node}.log' for node in nodes}
        self._shown = dict.fromkeys(nodes, 0)

    def show(self) -> None:
        """Print whole lines that are new, each with its node's name."""
        for node, log in self._logs.items():
            if not log.exists():
                continue
            with log.open('rb') as file:
                file.seek(self._shown[node])
                text = file.read()
            whole = text[: text.rfind(b'\n') + 1]
            self._shown[node] += len(whole)
            for line in whole.decode(errors='replace').splitlines():
                print(f'{node:14} {line}', flush=True)
