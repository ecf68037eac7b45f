"""Start generator, replay server, recorder and operator; with robot:=sim the simulated robot too.

The list stands in vag_ros/stack.py. The driver of a real robot is started beforehand, by its own
launch file.
"""

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from vag_ros import stack


def generate_launch_description() -> LaunchDescription:
    declared = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=argument.description,
            choices=argument.choices or None,
        )
        for argument in stack.arguments()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Action]:
    values = {a.name: LaunchConfiguration(a.name).perform(context) for a in stack.arguments()}
    actions = []
    for process in stack.describe(stack.parse(values)):
        node = launch_node(process)
        actions.append(node)
        if process.required:
            actions.append(
                RegisterEventHandler(OnProcessExit(target_action=node, on_exit=end_stack))
            )
        elif process.respawn:
            actions.append(
                RegisterEventHandler(OnProcessExit(target_action=node, on_exit=end_if_hopeless))
            )
    return actions


def end_if_hopeless(event: ProcessExited, context: LaunchContext) -> list[Action]:
    # Started again, it would end the same way.
    if context.is_shutdown or event.returncode != stack.MISCONFIGURED:
        return []
    reason = f'{event.process_name} was given a wrong configuration; its last line tells which'
    return [Shutdown(reason=reason)]


def end_stack(event: ProcessExited, context: LaunchContext) -> list[Action]:
    # A second shutdown on top of that of Ctrl-C would be an error.
    return [] if context.is_shutdown else [Shutdown(reason=f'{event.process_name} has ended')]


def launch_node(process: stack.Process) -> Node:
    kind = LifecycleNode if process.lifecycle else Node
    return kind(
        package=process.package,
        executable=process.executable,
        name=process.name,
        namespace=process.namespace,
        arguments=list(process.arguments),
        remappings=list(process.remappings),
        parameters=[
            *map(str, process.params_files),
            {
                name: ParameterValue(value, value_type=type(value))
                for name, value in process.parameters.items()
            },
        ],
        ros_arguments=['--log-level', process.log_level],
        respawn=process.respawn,
        respawn_delay=stack.RESPAWN_DELAY_S,
        output='screen',
    )
