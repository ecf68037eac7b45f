from vag_core.safety.gate import Gate
from vag_core.safety.outcome import ErrorCode


def test_it_starts_disarmed():
    assert Gate().refusal().code is ErrorCode.NOT_ARMED


def test_armed_it_permits_motion():
    gate = Gate()
    assert gate.arm() is None
    assert gate.refusal() is None


def test_a_latch_survives_arming_and_names_its_first_reason():
    gate = Gate()
    gate.arm()
    gate.latch('stop pressed')
    gate.latch('feedback lost')
    assert gate.arm().code is ErrorCode.LATCHED
    assert 'stop pressed' in gate.refusal().message


def test_after_a_reset_it_must_be_armed_again():
    gate = Gate()
    gate.latch('stop pressed')
    gate.armed = True  # as when one thread arms while another one latches
    gate.reset()
    assert gate.refusal().code is ErrorCode.NOT_ARMED
    assert gate.arm() is None
