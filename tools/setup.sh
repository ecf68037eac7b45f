#!/usr/bin/env bash
# Sets everything up in this checkout: virtual environment, pinned packages, `vag` command, colcon build.
# Each step is left out when nothing that it depends on has changed. Variables: PYTHON, the interpreter to use;
# TORCH_INDEX, an additional package index, e.g. PyTorch's own for CPU wheels.
set -euo pipefail

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

root=$(cd "$(dirname "$0")/.." >/dev/null && pwd)
cd "$root"
# A ROS installation in the caller's environment would be mixed with the one from the wheels.
unset PYTHONPATH PYTHONHOME AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH
. tools/system.sh

# Two makes at once take turns.
exec 9<"$root"
flock 9

is_current() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# A virtual environment works only where it was made, and with the Python it was made of.
venv_is_usable() {
    [ -x .venv/bin/python ] && runs .venv/bin/python && grep -q "$root/.venv/" .venv/bin/pip &&
        [ "$(version .venv/bin/python)" = "$(version "$python")" ]
}

make_venv() {
    if ! venv_is_usable; then
        say "making .venv with Python $(version "$python")"
        rm -rf .venv build install
        "$python" -m venv .venv
        touch .venv/COLCON_IGNORE
    fi
}

install_packages() {
    local stamp=.venv/setup-packages key
    key=$(cat requirements.txt setup.py pyproject.toml | sha256sum)
    if is_current $stamp "$key"; then
        return
    fi
    say 'installing the pinned packages (several minutes the first time)'
    .venv/bin/python -m pip install --disable-pip-version-check -r requirements.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"}
    .venv/bin/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation --editable .
    echo "$key" >$stamp
}

# What colcon must see again: every interface and CMake file by content, every other installed file by its name (it is
# linked into install/, so its content is always the present one).
build_key() {
    cat CMakeLists.txt package.xml cmake/* msg/* srv/* action/* requirements.txt | sha256sum
    find vag_core vag_sim vag_ros launch config checkpoints rviz urdf -name __pycache__ -prune -o -type f -print |
        LC_ALL=C sort | sha256sum
}

build() {
    local stamp=install/setup-build key
    key=$(build_key)
    if is_current $stamp "$key"; then
        return
    fi
    say 'building the ROS package'
    # A plain build can't be turned into a linked one in place.
    grep -qs 'AMENT_CMAKE_SYMLINK_INSTALL.*=1' build/vag_ros/CMakeCache.txt || rm -rf build install
    # The environment's scripts, colcon's among them, use variables that may be unset.
    (set +u && . ./env.sh && colcon --log-level error build --symlink-install)
    echo "$key" >$stamp
}

check_system
make_venv
install_packages
build
