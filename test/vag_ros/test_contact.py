from node_processes import Client
from rclpy.action import ActionClient, ActionServer

from vag_ros.action import GenerateEpisode
from vag_ros.contact import ActionContact

NAME = 'action'


def test_there_is_no_contact_without_a_server(client):
    contact = ActionContact(client.node, ActionClient(client.node, GenerateEpisode, NAME), NAME)
    assert not contact.is_made()


def test_a_goal_sent_after_the_contact_is_answered(client, domain_id):
    action = ActionClient(client.node, GenerateEpisode, NAME)
    contact = ActionContact(client.node, action, NAME)
    other = Client(domain_id)
    goals = []

    def execute(handle):
        goals.append(handle)
        handle.succeed()
        return GenerateEpisode.Result()

    ActionServer(other.node, GenerateEpisode, NAME, execute)
    client.wait(contact.is_made, what='the contact')
    assert not goals
    assert client.request(action.send_goal_async, GenerateEpisode.Goal()).accepted
    other.close()
