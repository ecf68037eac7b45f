"""What to start: one description of the stack for ``ros2 launch`` and for the supervisor.

Neither adds a process, a parameter or a default of its own, so that both start the same stack.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vag_core import resources
from vag_core.configuration import ConfigError, config, load
from vag_core.robot import load_profile, profile_names
from vag_ros import rviz_config
from vag_ros.parameters import HIGHEST_PORT

DEVICES = ('auto', 'cpu', 'cuda')
APPROVALS = ('auto', 'operator')
LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
BY_ROBOT = 'by_robot'
RESPAWN_DELAY_S = 1.0
# How a node ends that can't go by its configuration; there is no use in starting it again.
MISCONFIGURED = 2


def _option(default: Any, description: str, choices: tuple[str, ...] = ()) -> Any:
    metadata = {'description': description, 'choices': choices}
    return dataclasses.field(default=default, metadata=metadata)


@config
class StackOptions:
    """What a user may choose; each field is a launch argument of the same name.

    ``None`` means: by robot. A simulated robot is armed at start, its plans are approved
    automatically and replayed; with a real one every one of these steps is the operator's.
    """

    robot: str = _option(
        'sim', f'robot profile: {", ".join(profile_names())}, or the path of a YAML file'
    )
    checkpoint: str = _option(
        resources.DEFAULT_CHECKPOINT, 'checkpoint: a shipped name or a folder'
    )
    device: str = _option('auto', 'where the model runs', DEVICES)
    params_file: Path | None = _option(
        None,
        "your parameters by node name, above those of the package's own files; what is an "
        'argument here stands above them all',
    )
    output_dir: Path = _option(Path('output/episodes'), 'receives one folder per episode')
    bag_dir: Path = _option(Path('output/bags'), 'receives one bag per episode')
    approval: str | None = _option(
        None, 'who approves plans; by_robot: auto when simulated, else operator', APPROVALS
    )
    dry_run: bool | None = _option(
        None, 'plan and show, send no command; by_robot: false when simulated, else true'
    )
    task: str = _option('pick_lift', 'task of the simulated scene')
    seed: int = _option(0, 'of the simulated scene')
    headless: bool = _option(True, 'without a window on camera and generated video')
    rviz: bool = _option(False, "start RViz with the operator's view")
    web_port: int = _option(0, "of the operator's page for a browser on this machine; 0: no page")
    use_sim_time: bool = _option(False, 'take time from /clock; simulated robots only')
    namespace: str = _option('', 'of all nodes')
    log_level: str = _option('info', 'of all nodes', LOG_LEVELS)

    def validate(self) -> None:
        """Raise ConfigError for a value that is not among the choices or would not be safe."""
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), field.metadata['choices']
            if choices and value not in choices and not (value is None and field.default is None):
                raise ConfigError(f'{field.name} = {value!r}: must be one of {", ".join(choices)}')
        real = not load_profile(self.robot).simulated
        if real and self.approval == 'auto':
            raise ConfigError(
                f"approval = 'auto': robot {self.robot!r} is real, its plans wait for the operator"
            )
        if real and self.use_sim_time:
            raise ConfigError(
                f'use_sim_time = true: robot {self.robot!r} is real and moves in real time'
            )
        if not 0 <= self.web_port <= HIGHEST_PORT:
            raise ConfigError(f'web_port = {self.web_port}: must lie between 0 and {HIGHEST_PORT}')
        if self.params_file is not None and not self.params_file.is_file():
            raise ConfigError(f'params_file = {str(self.params_file)!r}: no such file')


@dataclasses.dataclass(frozen=True, kw_only=True)
class Argument:
    """A launch argument, as text; an empty ``choices`` allows anything."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Process:
    """One process of the stack.

    Attributes:
        package, executable: found as lib/<package>/<executable> of an installed package.
        params_files: parameter files, a later one above an earlier one.
        parameters: single parameters, above every file.
        arguments: of the executable itself, before those of ROS.
        remappings: (from, to) of names.
        lifecycle: a managed node (ROS 2 lifecycle).
        respawn: started again when it dies.
        required: its end ends the stack.
    """

    name: str
    package: str = 'vag_ros'
    executable: str
    namespace: str = ''
    params_files: tuple[Path, ...] = ()
    parameters: Mapping[str, Any]
    arguments: tuple[str, ...] = ()
    remappings: tuple[tuple[str, str], ...] = ()
    log_level: str = 'info'
    lifecycle: bool = False
    respawn: bool = False
    required: bool = False

    def ros_arguments(self) -> list[str]:
        """Command-line arguments that follow the executable."""
        arguments = [
            *self.arguments,
            '--ros-args',
            '--log-level',
            self.log_level,
            '-r',
            f'__node:={self.name}',
        ]
        if self.namespace:
            arguments += ['-r', f'__ns:=/{self.namespace.strip("/")}']
        for old, new in self.remappings:
            arguments += ['-r', f'{old}:={new}']
        for file in self.params_files:
            arguments += ['--params-file', str(file)]
        for name, value in self.parameters.items():
            # JSON is YAML that keeps the type: a string of digits stays a string.
            arguments += ['-p', f'{name}:={json.dumps(value)}']
        return arguments


def arguments() -> tuple[Argument, ...]:
    """List every option as a launch argument; ``by_robot`` stands for None with its choices."""
    return tuple(_argument(field) for field in dataclasses.fields(StackOptions))


def _argument(field: dataclasses.Field) -> Argument:
    choices = field.metadata['choices']
    if field.type in (bool, bool | None):
        choices = ('true', 'false')
    if field.default is None and choices:
        default, choices = BY_ROBOT, (BY_ROBOT, *choices)
    elif field.default is None:
        default = ''
    else:
        default = str(field.default).lower() if field.type is bool else str(field.default)
    return Argument(
        name=field.name,
        default=default,
        description=field.metadata['description'],
        choices=choices,
    )


def parse(values: Mapping[str, str]) -> StackOptions:
    """Turn the text of launch arguments into options.

    Raises:
        ConfigError: naming the argument, its value and what is allowed.
    """
    defaults = {argument.name: argument.default for argument in arguments()}
    chosen = {name: value for name, value in values.items() if value != defaults.get(name)}
    return load(StackOptions, chosen, where='launch argument')


def describe(options: StackOptions) -> tuple[Process, ...]:
    """List the processes to start, the robot's driver first.

    The driver of a real robot is its maker's and is not started here.

    Raises:
        ConfigError: naming an unknown robot.
    """
    simulated = load_profile(options.robot).simulated
    robot = {'robot': options.robot}
    # Only when asked for: a parameter file may ask for the page too.
    page = {'web_port': options.web_port} if options.web_port else {}
    processes = [
        _node(
            options,
            'replay_server',
            {
                **robot,
                'approval': options.approval or ('auto' if simulated else 'operator'),
                'dry_run': not simulated if options.dry_run is None else options.dry_run,
                'arm_on_start': simulated,
            },
            required=True,
        ),
        _node(options, 'recorder', {**robot, 'bag_dir': str(options.bag_dir.absolute())}),
        _node(
            options,
            'generator',
            {
                **robot,
                'checkpoint': options.checkpoint,
                'device': options.device,
                'output_dir': str(options.output_dir.absolute()),
            },
            lifecycle=True,
            respawn=True,
        ),
        _node(options, 'operator', {**robot, **page}, respawn=True),
    ]
    if simulated:
        scene = {'task': options.task, 'seed': options.seed}
        processes.insert(0, _node(options, 'sim_robot', {**robot, **scene}))
    if not options.headless:
        processes.append(_node(options, 'display', robot))
    if options.rviz:
        processes.append(
            Process(
                name='rviz',
                package='rviz2',
                executable='rviz2',
                namespace=options.namespace,
                arguments=('-d', str(rviz_config.path())),
                remappings=rviz_config.remappings(load_profile(options.robot), options.namespace),
                parameters={'use_sim_time': options.use_sim_time},
                log_level=options.log_level,
            )
        )
    return tuple(processes)


def _node(options: StackOptions, name: str, parameters: dict[str, Any], **flags: bool) -> Process:
    own = resources.find(f'config/nodes/{name}.yaml')
    return Process(
        name=name,
        executable=name,
        namespace=options.namespace,
        params_files=(own,) if options.params_file is None else (own, options.params_file),
        parameters={**parameters, 'use_sim_time': options.use_sim_time},
        log_level=options.log_level,
        **flags,
    )
