"""Spans: learned, held and capacity, and how they are measured."""
