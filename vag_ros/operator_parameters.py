"""Parameters of the operator, and the presets that one of them names."""

from dataclasses import dataclass
from pathlib import Path

from vag_core import resources
from vag_core.configuration import load
from vag_core.panel_menu import Presets
from vag_ros.parameters import HIGHEST_PORT, parameter


@dataclass(frozen=True)
class Parameters:
    """Parameters of the operator."""

    robot: str = parameter('sim', 'robot profile: a shipped name or the path of a YAML file')
    default_instruction: str = parameter('', 'used while none has come on the instruction topic')
    seed: int = parameter(-1, 'of every generation; -1: drawn by the generator', -1, 2**62)
    presets: str = parameter('', "YAML file of the menu's presets; empty: the shipped one")
    plan_after_generation: bool = parameter(
        True, 'ask for a plan of what was generated here, as soon as one is allowed'
    )
    show_robot: bool = parameter(
        True, 'publish description and poses of the robot itself; false where its driver does'
    )
    web_port: int = parameter(0, 'of the page for a browser; 0: no page', 0, HIGHEST_PORT)
    web_host: str = parameter('127.0.0.1', 'address that the page listens on')
    web_token: str = parameter('', 'that the page asks for; empty: a new one, printed')


def read_presets(settings: Parameters) -> Presets:
    """Read what the menu offers; ConfigError names what is wrong in the file."""
    path = settings.presets
    return load(
        Presets,
        Path(path).expanduser() if path else resources.find('config/operator/presets.yaml'),
    )
