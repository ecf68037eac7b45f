"""``vag bag``: look into a bag, recover one, or turn one back into an episode."""

import argparse
import sys
from pathlib import Path

from vag_core.configuration import ConfigError

SUMMARY = 'inspect, draw and recover bags, rebuild episodes from them'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their options."""
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    info = commands.add_parser('info', help='topics, counts, rates and metadata')
    recover = commands.add_parser('recover', help='make a whole bag of one that was not closed')
    draw = commands.add_parser('draw', help='one picture of the replay: frames and joints')
    to_episode = commands.add_parser('to-episode', help='rebuild the episode from the bag alone')
    for command in (info, recover, draw, to_episode):
        command.add_argument('bag', type=Path, help="the bag's folder, or its .mcap file")
    recover.add_argument(
        '--out', type=Path, help='folder of the new bag (default: BAG_recovered beside BAG)'
    )
    draw.add_argument(
        '--out', type=Path, help='PNG file (default: replay.png in the present folder)'
    )
    to_episode.add_argument(
        '--out', type=Path, help='folder of the episode (default: its name, in the present folder)'
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen command; 0 when it did what it was asked to do."""
    from vag_ros.bag.reader import BagError

    command = {'info': _info, 'recover': _recover, 'draw': _draw, 'to-episode': _to_episode}
    try:
        return command[arguments.command](arguments)
    except (BagError, ConfigError, OSError) as error:
        print(f'vag bag {arguments.command}: {error}', file=sys.stderr)
        return 1


def _info(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from vag_ros.bag.reader import inspect

    info = inspect(arguments.bag)
    console = Console(highlight=False)
    messages = sum(topic.count for topic in info.topics)
    console.print(
        f'[bold]{info.path}[/]  {messages} messages, {info.duration_s:.2f} s, '
        f'{info.size / 1e6:.2f} MB'
    )
    topics = Table(box=None, pad_edge=False)
    for heading in ('topic', 'type'):
        topics.add_column(heading, overflow='fold')
    for heading in ('messages', 'Hz'):
        topics.add_column(heading, justify='right')
    for topic in info.topics:
        rate = '' if topic.rate_hz is None else f'{topic.rate_hz:.1f}'
        topics.add_row(topic.name, topic.type_name, str(topic.count), rate)
    console.print(topics)
    metadata = Table('metadata', box=None, pad_edge=False)
    metadata.add_column(overflow='fold')
    for key, value in sorted(info.custom_data.items()):
        metadata.add_row(key, value)
    console.print(metadata)
    if info.problem:
        console.print(f'[red]not whole:[/] {info.problem}')
        console.print(f'what is listed above can be recovered: vag bag recover {info.path}')
    else:
        console.print('[green]whole[/]')
    return 0


def _recover(arguments: argparse.Namespace) -> int:
    from vag_ros.bag.reader import find_problem
    from vag_ros.bag.recover import recover

    if not find_problem(arguments.bag):
        print(f'{arguments.bag} is whole, nothing to recover')
        return 0
    recovery = recover(arguments.bag, arguments.out)
    print(f'{recovery.messages} messages of {recovery.topics} topics recovered: {recovery.path}')
    return 0


def _draw(arguments: argparse.Namespace) -> int:
    from vag_ros.bag.picture import draw_bag

    path = arguments.out or Path('replay.png')
    draw_bag(arguments.bag, path)
    print(path)
    return 0


def _to_episode(arguments: argparse.Namespace) -> int:
    from vag_core.draw import draw_episode
    from vag_core.episode import save_episode
    from vag_ros.bag.to_episode import read_episode

    episode = read_episode(arguments.bag)
    folder = save_episode(episode, arguments.out or Path(episode.episode_id))
    draw_episode(episode, folder)
    print(f'{len(episode.actions)} steps of {episode.instruction!r}: {folder}')
    return 0
