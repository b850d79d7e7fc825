"""The commands as they are declared: names, help, parameters.

Owns the reading of what `tuishare.cli.app` tells typer. It needs no parser to be built, which takes as long as
everything else that completion does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo, ParameterInfo


@dataclass(frozen=True, slots=True)
class DeclaredParameter:
    """An argument or an option of a command.

    Attributes:
        names: of an option, such as ``--user`` and ``-u``; empty for an argument.
        metavar: what stands for the value, such as ``USER|@GROUP``; empty for a flag.
        help: one sentence, or several.
        choices: all values, if they are few.
        repeats: it may be given several times.
        default: shown to a person; empty if there is none.
    """

    names: tuple[str, ...]
    metavar: str
    help: str
    choices: tuple[str, ...]
    repeats: bool
    default: str


@dataclass(frozen=True)
class DeclaredCommand:
    """A command, or a group of them; the program itself is one.

    Attributes:
        words: that a person types, the program included.
        help: where it is not that of the function.
        callback: the function with the parameters, or None.
        commands: of a group, by name, without hidden ones.
        default_command: of a group, the one whose name may be left out; or empty.
    """

    words: tuple[str, ...]
    help: str
    callback: Callable[..., Any] | None
    commands: dict[str, DeclaredCommand]
    default_command: str

    @cached_property
    def description(self) -> str:
        """All paragraphs of its help, at least one."""
        return self.help or inspect.getdoc(self.callback) or ""

    @cached_property
    def summary(self) -> str:
        """The first sentence of its help, without its full stop."""
        return self.description.partition("\n")[0].partition(". ")[0].rstrip(".")

    @cached_property
    def parameters(self) -> tuple[DeclaredParameter, ...]:
        """As they are declared, without ``--help``."""
        return tuple(_read_parameters(self.callback)) if self.callback else ()

    @property
    def options(self) -> tuple[DeclaredParameter, ...]:
        """The parameters with names."""
        return tuple(parameter for parameter in self.parameters if parameter.names)

    @property
    def arguments(self) -> tuple[DeclaredParameter, ...]:
        """The parameters without names, in order."""
        return tuple(parameter for parameter in self.parameters if not parameter.names)

    def walk(self) -> Iterator[DeclaredCommand]:
        """Yield it, then everything below it."""
        yield self
        for command in self.commands.values():
            yield from command.walk()


def read_commands(app: typer.Typer, *words: str) -> DeclaredCommand:
    """Return the program, or a group of commands, with all that is below it."""
    commands = {}
    for info in app.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__.replace("_", "-")
        if not info.hidden:
            commands[name] = DeclaredCommand((*words, name), info.help or "", info.callback, {}, "")
    for group in app.registered_groups:
        assert group.typer_instance is not None
        name = str(group.name)
        commands[name] = read_commands(group.typer_instance, *words, name)
    callback = app.registered_callback.callback if app.registered_callback else None
    default = getattr(app.info.cls, "default_command", "")
    return DeclaredCommand(words, str(app.info.help or ""), callback, dict(sorted(commands.items())), default)


def _read_parameters(function: Callable[..., Any]) -> Iterator[DeclaredParameter]:
    defaults = inspect.signature(function).parameters
    for name, hint in get_type_hints(function, include_extras=True).items():
        if get_origin(hint) is Annotated:
            kind, info = get_args(hint)
            if not info.hidden:
                yield _read_parameter(name, kind, info, defaults[name].default)


def _read_parameter(name: str, kind: Any, info: ParameterInfo, default: Any) -> DeclaredParameter:
    inner = next((each for each in get_args(kind) if each is not type(None)), kind)
    is_option = isinstance(info, OptionInfo)
    choices = (
        tuple(str(each.value) for each in inner)
        if isinstance(inner, type) and issubclass(inner, Enum)
        else ()
    )
    # In Annotated, the first word is taken for the default; typer puts that right in a copy of its own.
    given = (*((info.default,) if isinstance(info.default, str) else ()), *(info.param_decls or ()))
    names = given or ("--" + name.replace("_", "-"),) if is_option else ()
    fallback = {"int": "NUMBER", "Path": "PATH"}.get(
        getattr(inner, "__name__", ""), "TEXT" if is_option else name
    )
    metavar = "" if inner is bool else info.metavar or "|".join(choices) or fallback.upper()
    if not is_option and default is not inspect.Parameter.empty and not metavar.startswith("["):
        metavar = f"[{metavar}]"
    shown = default.value if isinstance(default, Enum) else default
    return DeclaredParameter(
        names,
        metavar,
        info.help or "",
        choices,
        get_origin(kind) is list or metavar.endswith("..."),
        str(shown) if isinstance(shown, str | int) and not isinstance(shown, bool) else "",
    )
