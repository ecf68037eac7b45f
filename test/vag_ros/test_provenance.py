import dataclasses
import platform

from vag_core.robot import load_profile
from vag_ros.provenance import profile_hash, versions

SIM = load_profile('sim')


def test_a_profile_hash_changes_with_any_value():
    slower = dataclasses.replace(SIM, command_rate_hz=100.0)
    assert profile_hash(SIM) == profile_hash(load_profile('sim'))
    assert profile_hash(SIM) != profile_hash(slower)


def test_versions_name_this_package_python_and_what_was_asked_for():
    found = versions('numpy')
    assert list(found) == ['vag', 'python', 'numpy']
    assert found['python'] == platform.python_version()
    assert all(found.values())
