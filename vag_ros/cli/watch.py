"""``vag watch``: the state of a running stack in a terminal."""

import argparse

SUMMARY = 'watch a running stack: state, progress, joints'
REFRESH_HZ = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument('--namespace', default='', help='of the stack')
    parser.add_argument('--seconds', type=float, help='end after this time (default: Ctrl-C)')


def run(arguments: argparse.Namespace) -> int:
    """Draw until Ctrl-C; it only looks."""
    import rclpy
    from rich.console import Console
    from rich.live import Live

    from vag_ros.watcher import Watcher

    rclpy.init()
    node = rclpy.create_node('vag_watch', namespace=arguments.namespace)
    try:
        watcher = Watcher(node)
        console = Console(highlight=False)
        left = arguments.seconds
        with Live(watcher.view(), console=console, auto_refresh=False) as live:
            while left is None or left > 0:
                watcher.receive(1 / REFRESH_HZ)
                live.update(watcher.view(), refresh=True)
                left = None if left is None else left - 1 / REFRESH_HZ
    except KeyboardInterrupt:
        return 0
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0
