import dataclasses

from vag_core.robot import load_profile
from vag_ros.provenance import profile_hash

SIM = load_profile('sim')


def test_a_profile_hash_changes_with_any_value():
    slower = dataclasses.replace(SIM, command_rate_hz=100.0)
    assert profile_hash(SIM) == profile_hash(load_profile('sim'))
    assert profile_hash(SIM) != profile_hash(slower)
