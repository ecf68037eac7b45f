import os
import subprocess
import sys

import pytest

from vag_sim import gl

RENDER = """
from vag_sim.twin import Twin
from vag_sim.tasks import make_task
with Twin(make_task('pick_lift'), 1) as twin:
    print(twin.render('cam_high').std() > 20)
"""


def _run(code, **environment):
    unset = ('MUJOCO_GL', 'PYOPENGL_PLATFORM', 'DISPLAY')
    environment = {**{k: v for k, v in os.environ.items() if k not in unset}, **environment}
    return subprocess.run(
        [sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize('first', ['', 'import mujoco'], ids=['alone', 'after mujoco'])
def test_rendering_works_without_display_or_settings_and_leaves_quietly(first):
    result = _run(f'{first}\n{RENDER}')
    assert (result.stdout, result.stderr, result.returncode) == ('True\n', '', 0)


def test_a_backend_that_the_user_chose_is_left_alone(monkeypatch):
    monkeypatch.setenv('MUJOCO_GL', 'glfw')
    gl.choose_backend()
    assert os.environ['MUJOCO_GL'] == 'glfw'


def test_without_any_library_the_error_names_the_debian_packages(monkeypatch):
    monkeypatch.delenv('MUJOCO_GL')
    monkeypatch.setattr(gl.ctypes.util, 'find_library', lambda name: None)
    gl.choose_backend()
    with pytest.raises(gl.NoOffscreenGLError, match='libosmesa6, or libegl1'):
        gl.require_backend()
