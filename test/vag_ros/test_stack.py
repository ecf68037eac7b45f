"""The description of the stack: what it starts, with which parameters, for which robot."""

import dataclasses
import importlib
from pathlib import Path

import pytest
import yaml

from vag_core import resources
from vag_core.configuration import ConfigError
from vag_core.robot import load_profile, profile_names
from vag_ros import stack
from vag_ros.stack import StackOptions, describe

NODES = ('sim_robot', 'replay_server', 'recorder', 'generator', 'operator', 'display')
REAL = [name for name in profile_names() if name != 'sim']
OF_THE_ISSUE = {
    *('robot', 'checkpoint', 'device', 'params_file', 'bag_dir', 'approval', 'dry_run'),
    *('rviz', 'use_sim_time', 'namespace', 'log_level'),
}


def described(**options) -> dict[str, stack.Process]:
    return {process.name: process for process in describe(StackOptions(**options))}


def test_the_simulated_robot_brings_its_driver_and_the_four_nodes():
    names = {'sim_robot', 'replay_server', 'recorder', 'generator', 'operator'}
    assert set(described()) == names


@pytest.mark.parametrize('robot', REAL)
def test_a_real_robot_brings_no_driver(robot):
    assert 'sim_robot' not in described(robot=robot)


def test_the_simulated_robot_is_armed_and_approves_by_itself():
    parameters = described()['replay_server'].parameters
    assert parameters['approval'] == 'auto'
    assert parameters['dry_run'] is False
    assert parameters['arm_on_start'] is True


@pytest.mark.parametrize('robot', REAL)
def test_a_real_robot_waits_for_its_operator(robot):
    parameters = described(robot=robot)['replay_server'].parameters
    assert parameters['approval'] == 'operator'
    assert parameters['dry_run'] is True
    assert parameters['arm_on_start'] is False


@pytest.mark.parametrize('robot', REAL)
def test_no_option_arms_a_real_robot(robot):
    processes = described(robot=robot, approval='operator', dry_run=False)
    assert processes['replay_server'].parameters['arm_on_start'] is False


def test_a_profile_of_ones_own_is_taken_by_its_path_and_stays_that_of_a_real_robot(tmp_path):
    mine = tmp_path / 'mine.yaml'
    mine.write_text(resources.find('config/robots/agilex.yaml').read_text())
    processes = described(robot=str(mine))
    assert 'sim_robot' not in processes
    assert processes['replay_server'].parameters['robot'] == str(mine)
    assert processes['replay_server'].parameters['dry_run'] is True
    with pytest.raises(ConfigError, match='is real'):
        StackOptions(robot=str(mine), approval='auto')


def test_an_explicit_choice_overrides_that_of_the_robot():
    parameters = described(approval='operator', dry_run=True)['replay_server'].parameters
    assert (parameters['approval'], parameters['dry_run']) == ('operator', True)


def test_options_reach_the_nodes_that_they_are_for(tmp_path):
    processes = described(
        checkpoint='mine',
        device='cpu',
        output_dir=tmp_path / 'episodes',
        bag_dir=tmp_path / 'bags',
        seed=7,
        task='pick_lift',
    )
    generator = processes['generator'].parameters
    assert (generator['checkpoint'], generator['device']) == ('mine', 'cpu')
    assert generator['output_dir'] == str(tmp_path / 'episodes')
    assert processes['recorder'].parameters['bag_dir'] == str(tmp_path / 'bags')
    assert processes['sim_robot'].parameters['seed'] == 7
    assert processes['sim_robot'].parameters['task'] == 'pick_lift'


def test_the_page_for_a_browser_is_opened_by_its_port_alone():
    assert described(web_port=8080)['operator'].parameters['web_port'] == 8080
    assert 'web_port' not in described()['operator'].parameters


def test_common_options_reach_every_node():
    processes = described(use_sim_time=True, namespace='lab', log_level='debug', headless=False)
    assert set(processes) == set(NODES)
    for process in processes.values():
        assert process.namespace == 'lab'
        assert process.log_level == 'debug'
        assert process.parameters['use_sim_time'] is True


def test_window_and_rviz_come_only_when_asked_for():
    assert {'display', 'rviz'} <= set(described(headless=False, rviz=True))
    assert not {'display', 'rviz'} & set(described())


def test_rviz_opens_the_operators_view_of_this_robot_in_this_namespace():
    rviz = described(rviz=True, robot='agilex_ros1', namespace='lab')['rviz']
    assert rviz.arguments[0] == '-d' and Path(rviz.arguments[1]).is_file()
    remapped = dict(rviz.remappings)
    camera = load_profile('agilex_ros1').camera.topic
    assert remapped['/camera_f/color/image_raw/compressed'].startswith(f'/lab/{camera}')
    assert remapped['/vag/operator/feedback'] == '/lab/vag/operator/feedback'
    assert remapped['/robot_description'] == '/lab/robot_description'
    assert not described(rviz=True)['rviz'].remappings


def test_generator_and_operator_come_back_and_only_the_replay_server_ends_the_stack():
    processes = described().values()
    assert [p.name for p in processes if p.respawn] == ['generator', 'operator']
    assert [p.name for p in processes if p.required] == ['replay_server']
    assert [p.name for p in processes if p.lifecycle] == ['generator']


def test_the_users_parameter_file_stands_above_that_of_the_package(tmp_path):
    mine = tmp_path / 'mine.yaml'
    mine.touch()
    for process in described(params_file=mine).values():
        own, users = process.params_files
        assert own.name == f'{process.name}.yaml'
        assert users == mine


@pytest.mark.parametrize('name', NODES)
def test_each_node_declares_what_the_description_and_its_file_set(name):
    node = importlib.import_module(f'vag_ros.{name}')
    declared = {field.name for field in dataclasses.fields(node.Parameters)}
    process = described(headless=False)[name]
    assert set(process.parameters) - {'use_sim_time'} <= declared
    (file,) = process.params_files
    for section in yaml.safe_load(file.read_text()).values():
        assert set(section['ros__parameters'] or {}) <= declared


@pytest.mark.parametrize('name', NODES)
def test_each_parameter_file_holds_in_any_namespace(name):
    (file,) = described(headless=False)[name].params_files
    assert list(yaml.safe_load(file.read_text())) == [f'/**/{name}']


def test_ros_arguments_name_node_namespace_files_and_typed_parameters():
    process = stack.Process(
        name='node',
        executable='node',
        namespace='lab',
        params_files=(Path('/a.yaml'),),
        parameters={'text': '12', 'flag': True, 'number': 3},
        log_level='warn',
    )
    arguments = ' '.join(process.ros_arguments())
    assert arguments == (
        '--ros-args --log-level warn -r __node:=node -r __ns:=/lab --params-file /a.yaml '
        '-p text:="12" -p flag:=true -p number:=3'
    )


def test_a_real_robot_refuses_simulated_time():
    with pytest.raises(ConfigError, match="use_sim_time = true: robot 'agilex' is real"):
        StackOptions(robot='agilex', use_sim_time=True)


def test_a_real_robot_refuses_automatic_approval():
    with pytest.raises(ConfigError, match="approval = 'auto': robot 'agilex' is real"):
        StackOptions(robot='agilex', approval='auto')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'robot': 'lego'}, "robot = 'lego': known profiles are agilex, "),
        ({'robot': '/no/such.yaml'}, '/no/such.yaml: No such file'),
        ({'device': 'tpu'}, "device = 'tpu': must be one of auto, cpu, cuda"),
        ({'approval': 'nobody'}, "approval = 'nobody': must be one of auto, operator"),
        ({'log_level': 'loud'}, "log_level = 'loud': must be one of debug, "),
        ({'web_port': 65536}, 'web_port = 65536: must lie between 0 and 65535'),
        ({'params_file': Path('/no/such')}, "params_file = '/no/such': no such file"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(options, message):
    with pytest.raises(ConfigError) as refused:
        StackOptions(**options)
    assert message in str(refused.value)


def test_every_option_is_a_launch_argument_with_a_description():
    arguments = {argument.name: argument for argument in stack.arguments()}
    assert set(arguments) == {field.name for field in dataclasses.fields(StackOptions)}
    assert set(arguments) >= OF_THE_ISSUE
    assert all(argument.description for argument in arguments.values())
    assert arguments['dry_run'].choices == ('by_robot', 'true', 'false')
    assert arguments['approval'].choices == ('by_robot', 'auto', 'operator')
    assert arguments['rviz'].choices == ('true', 'false')


def test_the_default_of_every_launch_argument_is_the_default_of_its_option():
    defaults = {argument.name: argument.default for argument in stack.arguments()}
    assert stack.parse(defaults) == StackOptions()


def test_launch_arguments_are_text_and_options_are_typed():
    options = stack.parse(
        {'seed': '5', 'dry_run': 'true', 'approval': 'auto', 'bag_dir': 'bags', 'rviz': 'true'}
    )
    assert options == StackOptions(
        seed=5, dry_run=True, approval='auto', bag_dir=Path('bags'), rviz=True
    )
    with pytest.raises(ConfigError, match="seed = 'many'"):
        stack.parse({'seed': 'many'})
