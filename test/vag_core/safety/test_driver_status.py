import dataclasses
from types import SimpleNamespace as Message

import pytest

from vag_core.configuration import ConfigError
from vag_core.driver import DriverService, StatusTopic
from vag_core.robot import load_profile
from vag_core.safety.driver_status import DriverStatus, check_status
from vag_core.safety.outcome import ErrorCode

STATUS = StatusTopic(
    topic='status',
    type='any_msgs/msg/Any',
    allowed={'arm.code': (0, 2), 'joints': (False,), 'mode': ('can',)},
    collision={'arm.code': (7,)},
    meanings={'arm.code': {6: 'brake not released'}},
)


def message(code=0, joints=(False, False), mode='can'):
    return Message(arm=Message(code=code), joints=list(joints), mode=mode)


@pytest.fixture
def status(profile):
    arms = tuple(dataclasses.replace(arm, status=STATUS) for arm in profile.arms)
    return DriverStatus(dataclasses.replace(profile, arms=arms), [0, 1])


def test_fields_by_path_and_sequences_of_them_may_have_the_allowed_values_only():
    assert check_status('left', STATUS, message()) is None
    assert check_status('left', STATUS, message(code=2)) is None
    fault = check_status('left', STATUS, message(code=6))
    assert (fault.code, fault.value) == (ErrorCode.DRIVER_FAULT, 6.0)
    assert fault.message == (
        'the driver of arm left reports arm.code = 6 (brake not released) on status; allowed: 0, 2'
    )
    assert 'joints = True' in check_status('left', STATUS, message(joints=(False, True))).message
    assert 'mode = teach' in check_status('left', STATUS, message(mode='teach')).message


def test_a_collision_is_named_before_other_faults():
    fault = check_status('left', STATUS, message(code=7, mode='teach', joints=(True,)))
    assert fault.code is ErrorCode.COLLISION


def test_a_field_that_the_message_lacks_is_a_fault_that_names_it():
    fault = check_status('left', STATUS, Message(arm=Message(), joints=[], mode='can'))
    assert fault.code is ErrorCode.DRIVER_FAULT
    assert "has no field 'arm.code'" in fault.message


def test_a_status_that_never_came_or_is_old_is_a_fault(status):
    assert 'no status of arm left' in status.problem(0).message
    status.update(0, message(), 0)
    assert 'no status of arm right' in status.problem(0).message
    status.update(1, message(), 0)
    assert status.problem(10**9) is None
    assert '1.500 s old; timeout_s = 1.000 s' in status.problem(1_500_000_000).message


def test_a_fault_that_has_passed_stays_until_it_is_cleared_and_one_that_lasts_stays_on(status):
    for arm in (0, 1):
        status.update(arm, message(), 0)
    status.update(1, message(code=6), 1)
    status.update(1, message(), 2)
    assert status.problem(3).code is ErrorCode.DRIVER_FAULT
    status.clear()
    assert status.problem(3) is None
    status.update(1, message(code=6), 4)
    status.clear()
    assert status.problem(5).code is ErrorCode.DRIVER_FAULT


def test_an_arm_whose_status_can_not_be_watched_is_no_fault(profile):
    assert DriverStatus(profile, []).problem(10**12) is None


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        ({'type': 'Int32'}, "type = 'Int32'"),
        ({'allowed': {}}, 'allowed'),
        ({'allowed': {'arm.code': ()}}, 'allowed'),
        ({'collision': {'arm.code': (0,)}}, 'collision: arm.code'),
        ({'collision': {'other': (7,)}}, 'collision: other'),
        ({'timeout_s': 0.0}, 'timeout_s = 0.0'),
    ],
)
def test_a_wrong_status_topic_is_refused_naming_the_field(change, text):
    with pytest.raises(ConfigError, match=text.replace('.', r'\.')):
        dataclasses.replace(STATUS, **change)


def test_services_have_plain_types_and_a_gate_opens_and_closes(profile):
    with pytest.raises(ConfigError, match='type'):
        DriverService(name='gate', type='own_srvs/srv/Gate')
    trigger = DriverService(name='gate', type='std_srvs/srv/Trigger')
    with pytest.raises(ConfigError, match='gate_service'):
        dataclasses.replace(profile.arms[0], gate_service=trigger)


@pytest.mark.parametrize('name', ['agilex', 'agilex_piper_ros', 'agilex_ros1'])
def test_profiles_of_real_arms_have_a_checklist_and_a_status_and_no_stop_that_lets_an_arm_fall(
    name,
):
    real = load_profile(name)
    assert 'leader' in real.checklist[0]
    for arm in real.arms:
        allowed = Message(arm_status=0, ctrl_mode=1)
        collision = Message(arm_status=7, ctrl_mode=1)
        assert check_status(arm.name, arm.status, allowed) is None
        assert check_status(arm.name, arm.status, collision).code is ErrorCode.COLLISION
        teaching = Message(arm_status=0, ctrl_mode=2)
        assert check_status(arm.name, arm.status, teaching).code is ErrorCode.DRIVER_FAULT
        if arm.stop_service is not None:
            assert arm.stop_service.name.endswith('/emergency_stop')
            assert 'agx_arm_msgs' in arm.status.type, 'only that driver holds with it'
