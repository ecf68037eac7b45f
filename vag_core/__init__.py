"""The VAG method: model, sampling, data, safety. No ROS, no simulator."""
