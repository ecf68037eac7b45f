"""How much scenes differ: the ranges that the samplers of the tasks draw from."""

from vag_core.configuration import ConfigError, config

Range = tuple[float, float]
Colour = tuple[float, float, float]


@config
class Variation:
    """Ranges of a sampled scene: lengths in m, angles in rad, colours RGB in 0..1.

    Every place that is drawn can be reached from straight above by the arm in question: the reach
    of an arm whose base stands at (0, 0.30) covers x 0.20 .. 0.45, y -0.05 .. 0.60 with the tool
    leaning at most 0.5 rad.

    Attributes:
        target_x, target_y: a cube to be lifted; y counts towards the side of its arm.
        carried_x, carried_y: a cube to be put into a bowl, y likewise.
        bowl_x, bowl_y: the bowl to be filled, y likewise; closer together because the arm has to
            reach both in one episode.
        other_x, other_y: cubes and bowls that stand by.
        tray_x, tray_y, tray_yaw: the tray.
        cubes, bowls: how many there are, the named ones included; a scene with a bowl to fill has
            the most.
        cube_yaw: rotation of a cube to each side; beyond 45 degrees it repeats.
        cube_apart, bowl_apart, bowls_apart: least distance between two cubes, a cube and a bowl,
            two bowls.
        tray_apart: least distance of a cube from the tray's long axis or ends.
        colour_jitter: of each channel of every object and of the table.
        tables: colours of the table.
        light_tilt: horizontal part of the light's direction, to each side.
        light_intensity: factor on the key light.
        field_of_view, camera_shift, camera_turn: head camera; shift and turn per axis, each
            side, the pitch (rotation about y) besides.
        start_noise, start_noise_max: standard deviation and bound of the start pose about home.
    """

    target_x: Range = (0.24, 0.42)
    target_y: Range = (-0.02, 0.28)
    carried_x: Range = (0.25, 0.37)
    carried_y: Range = (-0.02, 0.25)
    bowl_x: Range = (0.29, 0.37)
    bowl_y: Range = (-0.02, 0.25)
    other_x: Range = (0.24, 0.48)
    other_y: Range = (-0.34, 0.34)
    tray_x: Range = (0.28, 0.36)
    tray_y: Range = (-0.03, 0.03)
    tray_yaw: float = 0.2
    cubes: tuple[int, int] = (2, 3)
    bowls: tuple[int, int] = (1, 2)
    cube_yaw: float = 0.785
    cube_apart: float = 0.10
    bowl_apart: float = 0.135
    bowls_apart: float = 0.16
    tray_apart: float = 0.14
    colour_jitter: float = 0.03
    tables: tuple[Colour, ...] = (
        (0.78, 0.68, 0.54),
        (0.66, 0.67, 0.68),
        (0.70, 0.60, 0.48),
        (0.50, 0.54, 0.59),
        (0.60, 0.66, 0.58),
    )
    light_tilt: float = 0.12
    light_intensity: Range = (0.8, 1.2)
    field_of_view: Range = (0.80, 0.82)
    camera_shift: float = 0.01
    camera_turn: float = 0.01
    camera_pitch: float = -0.06
    start_noise: float = 0.01
    start_noise_max: float = 0.02

    def validate(self) -> None:
        """Raise ConfigError for a range that is empty or a count that the colours can't serve."""
        for field in self.__dataclass_fields__:
            value = getattr(self, field)
            if isinstance(value, float) and value < 0 and field != 'camera_pitch':
                raise ConfigError(f'{field} = {value}: must not be negative')
            if isinstance(value, tuple) and len(value) == 2 and value[0] > value[1]:
                raise ConfigError(f'{field} = {value}: the first may not exceed the second')
        for field, most in (('cubes', 5), ('bowls', 3)):
            low, high = getattr(self, field)
            if not 1 <= low <= high <= most:
                raise ConfigError(f'{field} = {low, high}: must lie between 1 and {most}')


STANDARD = Variation()
