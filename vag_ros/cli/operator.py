"""``vag operator``: the buttons and options of the operator's panel, one call each."""

import argparse
import sys

SUMMARY = "press a button of the operator's panel: generate, approve, replay, stop, ..."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their options."""
    from vag_core.panel import Act

    explained = {
        Act.GENERATE: 'make an episode of the latest camera image, then plan and show it',
        Act.PLAN: 'plan the displayed episode and show it; moves nothing',
        Act.APPROVE: 'say that you have looked at the plan on show; moves nothing',
        Act.REPLAY: 'move the arms along the approved plan',
        Act.DISCARD: 'cancel the generation, or the plan, or clear the display',
        Act.STOP: 'slow the arms down, hold, and latch',
        Act.RESET: 'end the latch after a stop; arm afterwards',
        Act.ARM: 'permit motion; real robots name their checklist first',
        Act.DISARM: 'permit no motion',
    }
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for act in Act:
        commands.add_parser(act.value, help=explained[act])
    commands.choices['generate'].add_argument(
        '--instruction', help='for this and later generations (default: as it is)'
    )
    instruction = commands.add_parser('instruction', help='set the instruction')
    instruction.add_argument('instruction', metavar='TEXT')
    speed = commands.add_parser('speed', help='share of the planned speed; 0 pauses a motion')
    speed.add_argument('percent', type=float, help='0 to 100')
    record = commands.add_parser('record', help='record the next episodes to bags, or not')
    record.add_argument('switch', choices=('on', 'off'))
    for command in commands.choices.values():
        command.add_argument('--namespace', default='', help='of the stack')
        command.add_argument(
            '--timeout', type=float, default=10.0, help='s to wait for the stack (default: 10)'
        )


def run(arguments: argparse.Namespace) -> int:
    """Make the call; 0 when it was done or begun, 1 when it was refused or nobody answered."""
    import rclpy

    from vag_ros.operator_calls import OperatorCalls, SilentStackError

    rclpy.init()
    try:
        calls = OperatorCalls(arguments.namespace, arguments.timeout)
        done, line = _call(calls, arguments)
    except SilentStackError as error:
        print(f'vag operator {arguments.command}: {error}', file=sys.stderr)
        return 1
    finally:
        rclpy.try_shutdown()
    print(line if done else f'refused: {line}', file=sys.stdout if done else sys.stderr)
    return 0 if done else 1


def _call(calls, arguments: argparse.Namespace) -> tuple[bool, str]:
    from vag_core.panel import Act

    command = arguments.command
    if getattr(arguments, 'instruction', None) is not None:
        calls.instruct(arguments.instruction)
    if command == 'instruction':
        return True, f'instruction: {arguments.instruction}'
    if command == 'speed':
        if not 0 <= arguments.percent <= 100:
            raise ValueError(f'percent = {arguments.percent:g}: must lie between 0 and 100')
        return calls.set_speed(arguments.percent / 100)
    if command == 'record':
        return calls.record(arguments.switch == 'on')
    return calls.press(Act(command))
