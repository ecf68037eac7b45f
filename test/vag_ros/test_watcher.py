import rclpy
from node_processes import PATIENCE_S
from rich.console import Console
from simulated_arms import SimulatedArms

from vag_ros.watcher import Watcher


def test_the_terminal_shows_phase_permission_and_every_joint(domain_id, launch_node, client):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain_id)
    node = rclpy.create_node('watch', context=context)
    watcher = Watcher(node)

    def drawn():
        watcher.receive(0.1)
        console = Console(width=120, highlight=False)
        with console.capture() as capture:
            console.print(watcher.view())
        return capture.get()

    assert 'NO REPLAY SERVER' in drawn()
    launch_node('replay_server', robot='sim')
    arms = SimulatedArms(client)
    text = client.wait(
        lambda: next((t for t in [drawn()] if 'IDLE' in t and '+0.320' in t), None),
        PATIENCE_S,
        'the state',
    )
    assert 'disarmed' in text
    assert 'DRY RUN' in text
    arms.close()
    node.destroy_node()
    rclpy.try_shutdown(context=context)
