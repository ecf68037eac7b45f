"""Draw a scene of primitive shapes, lines and labels off screen, as RViz draws markers."""

import dataclasses
import enum

import mujoco
import numpy as np

BACKGROUND = (0.15, 0.16, 0.18)
MOST_SHAPES = 5000


class Kind(enum.Enum):
    """Kinds of shape."""

    BOX = mujoco.mjtGeom.mjGEOM_BOX
    CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
    SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE
    LINE = mujoco.mjtGeom.mjGEOM_CAPSULE
    LABEL = mujoco.mjtGeom.mjGEOM_LABEL


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """One thing to draw.

    Attributes:
        kind: what it is.
        size: (x, y, z) m of its bounding box; a line's is its width, three times.
        pose: (4, 4) in the world; of a line its first end.
        colour: RGBA in 0..1.
        end: (3,) the other end of a line.
        text: of a label.
    """

    kind: Kind
    size: tuple[float, float, float]
    pose: np.ndarray
    colour: tuple[float, float, float, float]
    end: np.ndarray | None = None
    text: str = ''


@dataclasses.dataclass(frozen=True)
class View:
    """Where to look from: as an orbit around ``focus``, distances in m, angles in rad."""

    focus: tuple[float, float, float]
    distance: float
    yaw: float
    pitch: float


def draw(shapes: list[Shape], view: View, width: int = 1280, height: int = 800) -> np.ndarray:
    """Return (height, width, 3) uint8 RGB; the farthest translucent shapes are drawn first."""
    model = _empty_model(width, height)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = mujoco.MjvCamera()
    camera.lookat, camera.distance = view.focus, view.distance
    camera.azimuth, camera.elevation = np.degrees(view.yaw) + 180.0, -np.degrees(view.pitch)
    with mujoco.Renderer(model, height, width, max_geom=MOST_SHAPES) as renderer:
        renderer.update_scene(data, camera)
        scene = renderer.scene
        for shape in shapes:
            _add(scene, shape)
        return renderer.render().copy()


def _empty_model(width: int, height: int) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    limits = getattr(spec.visual, 'global')
    limits.offwidth, limits.offheight = width, height
    spec.visual.headlight.ambient = [0.45] * 3
    spec.visual.headlight.diffuse = [0.5] * 3
    spec.visual.map.znear = 0.01
    spec.add_texture(
        name='sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=BACKGROUND,
        width=16,
        height=96,
    )
    return spec.compile()


def _add(scene: mujoco.MjvScene, shape: Shape) -> None:
    geom = scene.geoms[scene.ngeom]
    size = np.asarray(shape.size, dtype=float) / 2
    if shape.kind is Kind.CYLINDER:
        size = np.array([size[0], size[0], size[2]])
    mujoco.mjv_initGeom(
        geom,
        shape.kind.value,
        size,
        shape.pose[:3, 3],
        shape.pose[:3, :3].ravel(),
        np.asarray(shape.colour, dtype=np.float32),
    )
    if shape.kind is Kind.LINE:
        mujoco.mjv_connector(
            geom, shape.kind.value, shape.size[0] / 2, shape.pose[:3, 3], shape.end
        )
    if shape.text:
        geom.label = shape.text[:99]
    scene.ngeom += 1
