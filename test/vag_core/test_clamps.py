from vag_core.clamps import clamp_words


def test_joints_without_clamps_are_left_out():
    assert clamp_words({'a': 0, 'b': 3, 'c': 1}) == 'b 3, c 1'
    assert clamp_words({'a': 0}) == clamp_words({}) == 'none'


def test_the_largest_move_is_told_in_the_unit_of_the_joint():
    text = clamp_words({'a': 2, 'b': 1}, {'a': 0.012, 'b': 0.0004}, ['rad', 'm'])
    assert text == 'a 2 (by 12.0 mrad), b 1 (by 0.4 mm)'
