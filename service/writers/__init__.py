"""Rows of results in each form that people and programs ask for; `service/outputs.py` is the door to those that are files."""
