"""``vag episode``: show one recorded episode, label it, or set it aside."""

import argparse
from pathlib import Path

SUMMARY = 'show, label or set aside one recorded episode'
LABELS = {'success': True, 'failure': False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands and their options."""
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    show = commands.add_parser('show', help='pictures: contact sheet, actions, replay')
    label = commands.add_parser('label', help='success or failure and a note, for it and its bag')
    aside = commands.add_parser('set-aside', help='keep it, but out of lists and training')
    back = commands.add_parser('bring-back', help='undo set-aside')
    for command in (show, label, aside, back):
        command.add_argument('episode', help='its name')
        command.add_argument(
            '--output-dir', type=Path, default=Path('output'), help='of the stack'
        )
    show.add_argument('--out', type=Path, help='folder for the pictures (default: the episode)')
    label.add_argument('label', nargs='?', choices=tuple(LABELS))
    label.add_argument('--note', help='free text')


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen command; ValueError says what is wrong with it."""
    from vag_core.library import Library

    library = Library(arguments.output_dir)
    if arguments.command == 'show':
        return _show(library, arguments)
    if arguments.command == 'label':
        if arguments.label is None and arguments.note is None:
            raise ValueError('label: give success, failure or --note')
        record = library.label(arguments.episode, LABELS.get(arguments.label), arguments.note)
    else:
        record = library.move(arguments.episode, arguments.command == 'set-aside')
    print(f'{record.folder}: success = {record.success}, note = {record.note!r}')
    for bag in record.bags:
        print(f'bag: {bag}')
    if not record.bags:
        print('no closed bag of it: what is said here stands in the episode alone')
    return 0


def _show(library, arguments: argparse.Namespace) -> int:
    from vag_core.clamps import clamp_words
    from vag_core.draw import draw_episode
    from vag_core.episode import load_episode

    record = library.find(arguments.episode)
    folder = arguments.out or record.folder
    folder.mkdir(parents=True, exist_ok=True)
    paths = draw_episode(load_episode(record.folder), folder)
    if record.replayed is not None:
        from vag_ros.bag.picture import draw_bag

        paths.append(folder / 'replay.png')
        draw_bag(record.replayed, paths[-1])
    print(f'{record.episode_id}: {record.instruction!r}, {record.duration:.1f} s')
    clamped = 'not known' if record.clamps is None else clamp_words(record.clamps)
    print(f'success = {record.success}, note = {record.note!r}, clamped points: {clamped}')
    if record.replayed is None:
        print('no bag holds a replay of it')
    for path in (*paths, *record.bags):
        print(path)
    return 0
