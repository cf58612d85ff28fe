"""Objects of the package by name, each imported when it is first used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Registry(Mapping[str, T]):
    """A mapping from names to objects that are given by their places, like `memoryspan.tasks.echo:Echo`."""

    places: Mapping[str, str]

    def __getitem__(self, name: str) -> T:
        module, _, attribute = self.places[name].partition(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self.places  # without an import

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)
