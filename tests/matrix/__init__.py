"""The squares of the CI's matrix: Pythons, extras, oldest and newest dependencies, each with its tests."""
