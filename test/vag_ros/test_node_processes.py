import pytest
from node_processes import Client, reserved_domain
from rclpy.action import ActionClient, ActionServer

from vag_ros.action import GenerateEpisode


@pytest.mark.parametrize('kind', [ActionClient, ActionServer])
def test_a_client_that_is_closed_leaves_its_domain_with_its_actions(client, domain_id, kind):
    other = Client(domain_id)
    execute = (lambda handle: None,) if kind is ActionServer else ()
    action = kind(other.node, GenerateEpisode, 'action', *execute)
    client.wait(lambda: len(client.node.get_node_names()) == 2, what='the other node')
    other.close()
    client.wait(lambda: len(client.node.get_node_names()) == 1, what='its end')
    del action


def test_a_domain_is_not_reserved_again_soon():
    domains = []
    for _ in range(50):
        with reserved_domain() as domain:
            domains.append(domain)
    assert len(set(domains)) == len(domains)
