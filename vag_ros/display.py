"""The node ``display``: a window with the live camera beside the generated video.

It only looks: closing it stops nothing. The window belongs to one thread, as SDL wants.
"""

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from vag_core.robot import ImageTransport, load_profile
from vag_ros import names, shutdown
from vag_ros.convert import read_image
from vag_ros.msg import ReplayState
from vag_ros.parameters import declare, parameter

PANEL = (480, 360)
FOOT = 28
REFRESH_HZ = 20.0


@dataclass(frozen=True)
class Parameters:
    """Parameters of the node."""

    robot: str = parameter('sim', 'robot profile: a name or the path of a YAML file')


class Display(Node):
    """Show the latest camera image, the generated video and the replay server's phase."""

    def __init__(self) -> None:
        super().__init__('display', automatically_declare_parameters_from_overrides=True)
        profile = load_profile(declare(self, Parameters).robot)
        self._panels: dict[str, np.ndarray] = {}
        self._line = 'waiting for the replay server'
        self._ended = threading.Event()
        self.create_subscription(
            CompressedImage if profile.camera.transport is ImageTransport.COMPRESSED else Image,
            profile.camera.topic,
            lambda message: self._show('live', message),
            names.CAMERA_QOS,
        )
        self.create_subscription(
            CompressedImage,
            names.PREVIEW_VIDEO,
            lambda message: self._show('generated', message),
            names.STATE_QOS,
        )
        self.create_subscription(ReplayState, names.REPLAY_STATE, self._on_state, names.STATE_QOS)
        self._window = threading.Thread(target=self._run_window, name='window')
        self._window.start()

    def finish(self) -> None:
        """Close the window."""
        self._ended.set()
        self._window.join(2.0)

    def _show(self, panel: str, message: CompressedImage | Image) -> None:
        self._panels[panel] = cv2.resize(read_image(message)[1], PANEL)

    def _on_state(self, state: ReplayState) -> None:
        armed = 'armed' if state.armed else 'disarmed'
        timing = f'{state.time_from_start:.1f} of {state.motion_duration:.1f} s'
        self._line = f'{state.phase_name}   {armed}   {timing}   {state.latch_reason}'

    def _run_window(self) -> None:
        import pygame

        pygame.display.init()
        pygame.font.init()
        screen = pygame.display.set_mode((2 * PANEL[0], PANEL[1] + FOOT))
        pygame.display.set_caption('VAG: live camera | generated video')
        font = pygame.font.Font(None, 22)
        while not self._ended.wait(1 / REFRESH_HZ):
            if any(event.type == pygame.QUIT for event in pygame.event.get()):
                break
            screen.fill((20, 20, 20))
            for column, panel in enumerate(('live', 'generated')):
                if panel in self._panels:
                    pixels = self._panels[panel].swapaxes(0, 1)
                    screen.blit(pygame.surfarray.make_surface(pixels), (column * PANEL[0], 0))
            screen.blit(font.render(self._line, True, (230, 230, 230)), (8, PANEL[1] + 6))
            pygame.display.flip()
        pygame.quit()


def main() -> int:
    """Run the node until SIGINT."""
    return shutdown.run(Display)
