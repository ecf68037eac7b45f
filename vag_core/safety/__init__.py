"""From a requested joint trajectory to commands: checks, timing, plan, playback.

No ROS and no simulator here. None of this is a safety-rated function; it does not replace the
emergency stop of the robot.
"""
