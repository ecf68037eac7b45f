"""A driver with a status, a gate and a stop service, which can report faults, for the tests."""

import dataclasses
import threading
from functools import partial

import numpy as np
import yaml
from simulated_arms import PROFILE, SimulatedArms
from std_msgs.msg import Empty, Int32
from std_srvs.srv import Empty as EmptySrv
from std_srvs.srv import SetBool

from vag_core.configuration import to_mapping
from vag_core.driver import DriverService, StatusTopic
from vag_ros import names

PERIOD_S = 0.02
NORMAL, BRAKE, COLLISION = 0, 6, 7


def driver_profile(folder, **changes):
    """Write the simulated robot's profile with a status, services and a checklist; its path."""
    arms = tuple(
        dataclasses.replace(
            arm,
            status=StatusTopic(
                topic=f'{arm.name}_arm/status',
                type='std_msgs/msg/Int32',
                allowed={'data': (NORMAL,)},
                collision={'data': (COLLISION,)},
                meanings={'data': {BRAKE: 'brake not released'}},
                timeout_s=1.0,
            ),
            gate_service=DriverService(name=f'{arm.name}_arm/gate', type='std_srvs/srv/SetBool'),
            stop_service=DriverService(name=f'{arm.name}_arm/hold', type='std_srvs/srv/Empty'),
        )
        for arm in PROFILE.arms
    )
    profile = dataclasses.replace(
        PROFILE, **{'arms': arms, 'checklist': ('the leader arms are unplugged',), **changes}
    )
    path = folder / 'driver.yaml'
    path.write_text(yaml.safe_dump(to_mapping(profile)))
    return path


class SimulatedDriver:
    """Beside :class:`SimulatedArms`: what else a driver has.

    Attributes:
        codes: by arm, the status that is reported; None reports nothing.
        beating: whether the client's heartbeat goes on.
        gates: by arm, whether commands are let through.
        holds: how often the arms were told to hold where they are.
        gate_works: whether a gate can be opened.
        gate_answers: whether a gate answers at all.
    """

    def __init__(self, arms: SimulatedArms):
        self.codes = dict.fromkeys((arm.name for arm in PROFILE.arms), NORMAL)
        self.gates = dict.fromkeys(self.codes, False)
        self._be_well()
        node = arms.client.node
        self._status = {
            name: node.create_publisher(Int32, f'{name}_arm/status', 1) for name in self.codes
        }
        self._heartbeat = node.create_publisher(Empty, names.HEARTBEAT, 1)
        for name in self.codes:
            gate = node.create_service(
                SetBool, f'{name}_arm/gate', lambda q, a, name=name: self._gate(name, q, a)
            )
            gate.send_response = partial(self._answer, gate.send_response)
            node.create_service(EmptySrv, f'{name}_arm/hold', self._hold)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self._thread.start()

    def close(self):
        """Report nothing more."""
        self._closing.set()
        self._thread.join()

    def be_well(self):
        """Report no fault, beat, and let the gates work."""
        self.codes = dict.fromkeys(self.codes, NORMAL)
        self._be_well()

    def _be_well(self):
        self.holds, self.beating = 0, True
        self.gate_works = self.gate_answers = True

    def _answer(self, send, *answer):
        if self.gate_answers:
            send(*answer)

    def _gate(self, name, request, answer):
        answer.success = self.gate_works
        answer.message = '' if self.gate_works else 'the gate is stuck'
        self.gates[name] = request.data and self.gate_works
        return answer

    def _hold(self, _, answer):
        self.holds += 1
        return answer

    def _publish(self):
        while not self._closing.wait(PERIOD_S):
            for name, code in self.codes.items():
                if code is not None:
                    self._status[name].publish(Int32(data=code))
            if self.beating:
                self._heartbeat.publish(Empty())


def picture(cube=None):
    """A grey picture (480, 640, 3) with a red cube at a pixel (column, row)."""
    image = np.full((480, 640, 3), 120, np.uint8)
    if cube is not None:
        column, row = cube
        image[row : row + 30, column : column + 30] = (220, 30, 30)
    return image
