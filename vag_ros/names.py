"""Relative names of every topic, service and action, and the QoS that both ends of each use.

Relative, so that a node's ``namespace`` moves them together. Topics of arms and cameras come from
the robot profile.
"""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data

INSTRUCTION = 'vag/instruction'
EPISODE = 'vag/episode'
PREVIEW_VIDEO = 'vag/preview/video/compressed'
PREVIEW_JOINT_STATES = 'vag/preview/joint_states'
PREVIEW_DESCRIPTION = 'vag/preview/robot_description'
PREVIEW_MARKERS = 'vag/preview/markers'
PREVIEW_COMPARISON = 'vag/preview/comparison/compressed'
ROBOT_DESCRIPTION = 'robot_description'
ROBOT_MARKERS = 'vag/robot_markers'
REPLAY_STATE = 'vag/replay/state'
CLAMP_REPORT = 'vag/replay/clamp_report'
PLANNED_TRAJECTORY = 'vag/replay/planned_trajectory'
GENERATED_VIDEO = 'vag/episode/video/compressed'
REQUESTED_TRAJECTORY = 'vag/episode/trajectory'
SIM_SUCCESS = 'vag/sim/success'
BAG = 'vag/recorder/bag'
HEARTBEAT = 'vag/heartbeat'
DIAGNOSTICS = '/diagnostics'

GENERATE_EPISODE = 'vag/generate_episode'
REPLAY_TRAJECTORY = 'vag/replay_trajectory'
FOLLOW_JOINT_TRAJECTORY = 'vag/follow_joint_trajectory'

APPROVE = 'vag/approve'
STOP = 'vag/stop'
RESET = 'vag/reset'
ARM = 'vag/arm'
DISARM = 'vag/disarm'
OPERATOR = 'vag/operator'
DISPLAYED = 'vag/operator/displayed'
RECORD = 'vag/record'
RECORDING = 'vag/recorder/recording'
SPEED_SCALING = 'speed_scaling'
REPLAY_PARAMETERS = 'replay_server/set_parameters'
SIM_RESET = 'vag/sim/reset'

CAMERA_QOS = qos_profile_sensor_data
COMMAND_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
# Best effort: matches drivers that publish reliably and those that don't. Only the newest counts.
FEEDBACK_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
STATE_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# Deep enough for one bag to close and the next to open at once.
BAG_QOS = QoSProfile(
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
VIDEO_QOS = QoSProfile(depth=200, reliability=ReliabilityPolicy.RELIABLE)
