import pytest

from vag_core.configuration import ConfigError, config, load, to_mapping


@config
class Wheel:
    radius_m: float
    spokes: int = 3

    def validate(self):
        if self.radius_m <= 0:
            raise ConfigError(f'radius_m = {self.radius_m}: must be positive')


@config
class Cart:
    name: str
    wheels: tuple[Wheel, ...] = ()


def test_loads_nested_values_from_yaml(tmp_path):
    path = tmp_path / 'cart.yaml'
    path.write_text('name: a\nwheels: [{radius_m: 1}, {radius_m: 2.5, spokes: 4}]\n')
    expected = Cart(name='a', wheels=(Wheel(radius_m=1.0), Wheel(radius_m=2.5, spokes=4)))
    assert load(Cart, path) == expected


def test_mapping_and_back_is_the_same_configuration():
    cart = Cart(name='a', wheels=(Wheel(radius_m=1.0),))
    assert load(Cart, to_mapping(cart)) == cart


@pytest.mark.parametrize(
    ('wheel', 'message'),
    [
        ({'radius_m': 'wide'}, r"cart.yaml: wheels.0.radius_m = 'wide': .*number"),
        ({'radius_m': 1.0, 'colour': 'red'}, r"cart.yaml: wheels.0.colour = 'red'"),
        ({}, r'cart.yaml: wheels.0.radius_m: .*required'),
        ({'radius_m': -1.0}, r'radius_m = -1.0: must be positive'),
    ],
)
def test_a_mistake_is_refused_naming_file_field_and_value(wheel, message):
    with pytest.raises(ConfigError, match=message):
        load(Cart, {'name': 'a', 'wheels': [wheel]}, where='cart.yaml')


def test_every_construction_is_validated():
    with pytest.raises(ConfigError, match='radius_m = 0'):
        Wheel(radius_m=0)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('- 1\n', 'expected a mapping'),
        ('a: [', 'not YAML'),
        ('name: a\nname: b\n', 'not YAML: line 2: name stands twice'),
    ],
)
def test_a_file_that_holds_no_mapping_or_a_key_twice_is_named(tmp_path, content, message):
    path = tmp_path / 'broken.yaml'
    path.write_text(content)
    with pytest.raises(ConfigError, match=f'broken.yaml: {message}'):
        load(Cart, path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'none\.yaml'):
        load(Cart, tmp_path / 'none.yaml')
