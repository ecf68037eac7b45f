"""Nodes leave the attributes of rclpy's Node alone; it keeps parameters in ``_parameters``."""

import ast
from pathlib import Path

import pytest
import rclpy

import vag_ros

SOURCES = [
    path
    for path in sorted(Path(vag_ros.__file__).resolve().parent.rglob('*.py'))
    if 'Node)' in path.read_text()
]


@pytest.fixture(scope='module')
def attributes_of_rclpy() -> set[str]:
    """Attributes that a plain node has."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('plain', context=context)
    try:
        return {*vars(node), *dir(type(node))}
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


@pytest.mark.parametrize('path', SOURCES, ids=lambda path: path.stem)
def test_no_node_assigns_an_attribute_that_rclpy_owns(path, attributes_of_rclpy):
    assigned = {
        target.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any('Node' in ast.unparse(b) for b in node.bases)
        for target in ast.walk(node)
        if isinstance(target, ast.Attribute)
        and isinstance(target.ctx, ast.Store)
        and ast.unparse(target.value) == 'self'
    }
    assert not assigned & attributes_of_rclpy
