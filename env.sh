# Source this (bash or zsh): a shell in which python, colcon, vag and the built package work.
# A ROS installation that the shell already knows steps aside: its libraries don't mix with those of the wheels.
_vag_root=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")" >/dev/null && pwd)
if [ ! -x "$_vag_root/.venv/bin/python" ]; then
    echo "env.sh: $_vag_root/.venv is missing; run 'make setup' first" >&2
    unset _vag_root
    return 1 2>/dev/null || exit 1
fi

# Below the wheels' libraries only what belongs to no ROS prefix stays of PATH and LD_LIBRARY_PATH. With the guard set
# the wheels' start-up hook does not run every Python process twice to find those libraries.
export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
eval "$(VAG_ROOT=$_vag_root VAG_LIBRARIES=${LD_LIBRARY_PATH:-} PATH=$PATH LD_LIBRARY_PATH= \
    "$_vag_root/.venv/bin/python" -ISc '
import glob, os, shlex
env = os.environ
root = env["VAG_ROOT"]
prefixes = [root]
for name in ("AMENT_PREFIX_PATH", "COLCON_PREFIX_PATH"):
    prefixes += [p for p in env.get(name, "").split(":") if p]
def foreign(path):
    return path and not any(path == p or path.startswith(p + "/") for p in prefixes)
keep = [p for p in env["VAG_LIBRARIES"].split(":") if foreign(p)]
venv = root + "/.venv"
wheels = sorted(glob.glob(venv + "/lib/python3.*/site-packages/ros_*.libs"))
print("LD_LIBRARY_PATH=" + shlex.quote(":".join([venv + "/lib", *wheels, *keep])))
print("PATH=" + shlex.quote(":".join(p for p in env["PATH"].split(":") if foreign(p))))
')"
unset PYTHONPATH PYTHONHOME COLCON_PREFIX_PATH
. "$_vag_root/.venv/bin/activate"
export PATH LD_LIBRARY_PATH AMENT_PREFIX_PATH=$VIRTUAL_ENV CMAKE_PREFIX_PATH=$VIRTUAL_ENV
export CMAKE_TOOLCHAIN_FILE=$_vag_root/cmake/ros_wheels.cmake
export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3 RMW_IMPLEMENTATION=rmw_fastrtps_cpp
export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
if [ -f "$_vag_root/install/local_setup.sh" ]; then
    COLCON_CURRENT_PREFIX=$_vag_root/install
    . "$_vag_root/install/local_setup.sh"
    unset COLCON_CURRENT_PREFIX
fi
unset _vag_root
