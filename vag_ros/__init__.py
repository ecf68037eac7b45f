"""ROS 2 nodes of VAG: wiring between the core and the robot.

The generated interfaces (``vag_ros.msg`` and its sisters) live in a package of the same name in
the colcon install; ``extend_path`` joins the two, so that a source checkout on ``sys.path``
doesn't hide them.
"""

__path__ = __import__('pkgutil').extend_path(__path__, __name__)
