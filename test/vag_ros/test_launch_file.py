"""replay.launch.py starts what the description says.

With ROS's launch packages its LaunchDescription is built and every command line in it compared;
without them its source is checked for taking everything from the description.
"""

import ast
import dataclasses
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

from vag_core import resources
from vag_ros import stack

FILE = resources.find('launch/replay.launch.py')
VARIANTS = [
    {},
    {'robot': 'agilex'},
    {'namespace': 'lab', 'log_level': 'debug', 'use_sim_time': 'true', 'seed': '7'},
    {'headless': 'false', 'dry_run': 'true', 'approval': 'operator', 'checkpoint': '12'},
]
with_launch = pytest.mark.skipif(
    find_spec('launch_ros') is None, reason="needs ROS 2's launch packages"
)


def attributes_of(name: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(FILE.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    }


def test_the_source_takes_arguments_and_processes_from_the_description():
    assert {'arguments', 'parse', 'describe'} <= attributes_of('stack')
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(FILE.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert calls.count('DeclareLaunchArgument') == 1


def test_the_source_uses_every_field_of_a_process():
    fields = {field.name for field in dataclasses.fields(stack.Process)}
    assert attributes_of('process') == fields


def test_the_source_compiles():
    compile(FILE.read_text(), FILE, 'exec')


def load_launch_file():
    spec = spec_from_file_location('replay_launch', FILE)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@with_launch
def test_declares_each_option_with_default_description_and_choices():
    description = load_launch_file().generate_launch_description()
    found = {argument.name: argument for argument in description.get_launch_arguments()}
    assert list(found) == [argument.name for argument in stack.arguments()]
    for argument in stack.arguments():
        declared = found[argument.name]
        assert declared.description.startswith(argument.description)
        assert tuple(declared.choices or ()) == argument.choices
        assert [part.text for part in declared.default_value] in ([argument.default], [])


@with_launch
@pytest.mark.parametrize('values', VARIANTS)
def test_starts_each_process_of_the_description_with_its_arguments(values, monkeypatch):
    expected = stack.describe(stack.parse(values))
    found = list(prepared_nodes(values, monkeypatch))
    assert len(found) == len(expected)
    for (action, command), process in zip(found, expected, strict=True):
        executable, *arguments = command
        assert executable.endswith(f'lib/{process.package}/{process.executable}')
        options = list(pairs(arguments))
        assert ('--log-level', process.log_level) in options
        assert ('-r', f'__node:={process.name}') in options
        assert ('-r', f'__ns:=/{process.namespace}') in options
        *files, parameters = [value for option, value in options if option == '--params-file']
        assert files == [str(file) for file in process.params_files]
        assert single_parameters(parameters) == dict(process.parameters)
        assert type(action).__name__ == ('LifecycleNode' if process.lifecycle else 'Node')


@with_launch
def test_the_end_of_the_replay_server_ends_the_launch():
    from launch import LaunchContext
    from launch.actions import RegisterEventHandler, Shutdown
    from launch.events.process import ProcessExited

    context = LaunchContext()
    actions = performed({}, context)
    handlers = [a.event_handler for a in actions if isinstance(a, RegisterEventHandler)]
    (server,) = [a for a in actions if getattr(a, 'node_executable', '') == 'replay_server']
    exited = ProcessExited(
        action=server, name='replay_server', cmd=[], cwd=None, env=None, pid=1, returncode=1
    )
    (handler,) = [h for h in handlers if h.matches(exited)]
    assert any(isinstance(a, Shutdown) for a in flat(handler.handle(exited, context)))


@with_launch
@pytest.mark.parametrize(('code', 'ends'), [(stack.MISCONFIGURED, True), (1, False)])
def test_a_generator_with_a_wrong_configuration_ends_the_launch_instead_of_respawning(code, ends):
    from launch import LaunchContext
    from launch.actions import RegisterEventHandler, Shutdown
    from launch.events.process import ProcessExited

    context = LaunchContext()
    actions = performed({}, context)
    (generator,) = [a for a in actions if getattr(a, 'node_executable', '') == 'generator']
    exited = ProcessExited(
        action=generator, name='generator', cmd=[], cwd=None, env=None, pid=1, returncode=code
    )
    handlers = [a.event_handler for a in actions if isinstance(a, RegisterEventHandler)]
    (handler,) = [h for h in handlers if h.matches(exited)]
    shutdowns = [a for a in flat(handler.handle(exited, context)) if isinstance(a, Shutdown)]
    assert bool(shutdowns) == ends


def flat(actions) -> list:
    return [a for one in actions for a in flat(one)] if isinstance(actions, list) else [actions]


def performed(values: dict[str, str], context) -> list:
    """Return the actions that the launch file starts for these arguments."""
    context.launch_configurations.update({a.name: a.default for a in stack.arguments()} | values)
    return load_launch_file().start(context)


def prepared_nodes(values: dict[str, str], monkeypatch) -> Iterator[tuple]:
    """Yield each node action with the command line that it would run now."""
    from launch import LaunchContext
    from launch.actions import ExecuteLocal
    from launch_ros.actions import Node

    # All of the execution but the process itself, and no client for the lifecycle services.
    monkeypatch.setattr(ExecuteLocal, 'execute', ExecuteLocal.prepare)
    context = LaunchContext()
    for action in performed(values, context):
        if isinstance(action, Node):
            Node.execute(action, context)
            yield action, action.process_details['cmd']


def pairs(arguments: list[str]) -> Iterator[tuple[str, str]]:
    options = [argument for argument in arguments if argument != '--ros-args']
    return zip(options[::2], options[1::2], strict=True)


def single_parameters(file: str) -> dict:
    (section,) = yaml.safe_load(Path(file).read_text()).values()
    return section['ros__parameters']
