"""Man pages of the commands and of the topics, in the macros of man(7).

Owns their form. Text in, text out; without dates, so that one version always gives the same pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import tuishare
from tuishare.cli.manual.command_tree import DeclaredCommand, DeclaredParameter
from tuishare.cli.manual.topics import TOPICS, read_topic

_CODE: Final = re.compile(r"`([^`]+)`")
_WIDE: Final = re.compile(r"[^\x00-\x7f]")
"""What roff reads byte by byte."""
_HELP: Final = DeclaredParameter(
    ("-h", "--help"), "", "Show the help and exit.", (), repeats=False, default=""
)


def write_man_pages(program: DeclaredCommand) -> dict[str, str]:
    """Return all pages by file name, such as ``tuishare-share.1``: one for each command, and one with all topics."""
    pages = {f"{'-'.join(command.words)}.1": _command_page(command) for command in program.commands.values()}
    return {
        "tuishare.1": _program_page(program),
        "tuishare.7": _join(_heading("tuishare", 7, "topics"), _name("tuishare", program.summary), _topics()),
        **pages,
    }


def _program_page(program: DeclaredCommand) -> str:
    listed = [
        line
        for command in program.commands.values()
        for line in (".TP", rf"\fB{_escape('-'.join(command.words))}\fR(1)", _escape(command.summary))
    ]
    return _join(
        _heading("tuishare", 1, "commands"),
        _name("tuishare", program.summary),
        [".SH SYNOPSIS", _synopsis(program)],
        [".SH DESCRIPTION", *_paragraphs(program.description)],
        [".SH OPTIONS", *_parameters((*program.options, _HELP))],
        [".SH COMMANDS", *listed],
        *(
            [f".SH {title}", *_topic_body(topic)]
            for title, topic in (("FILES", "files"), ("EXIT STATUS", "exit-codes"))
        ),
        [".SH SEE ALSO", r"\fBtuishare\fR(7)"],
    )


def _command_page(command: DeclaredCommand) -> str:
    name = "-".join(command.words)
    described = [
        line for each in command.walk() if each.callback for line in _described(each, alone=each is command)
    ]
    return _join(
        _heading(name, 1, "commands"),
        _name(name, command.summary),
        [".SH SYNOPSIS", *_between(".br", (_synopsis(each) for each in command.walk() if not each.commands))],
        [] if command.callback else [".SH DESCRIPTION", *_paragraphs(command.description)],
        described,
        [".SH EXIT STATUS", r"See \fBtuishare\fR(1)."],
        [".SH SEE ALSO", r"\fBtuishare\fR(1), \fBtuishare\fR(7)"],
    )


def _described(command: DeclaredCommand, *, alone: bool) -> Iterator[str]:
    """A command by itself has chapters; one of a group is a chapter."""
    yield ".SH DESCRIPTION" if alone else f".SH {_escape(' '.join(command.words).upper())}"
    yield from _paragraphs(command.description)
    if alone:
        yield ".SH OPTIONS"
    yield from _parameters((*command.parameters, _HELP))


def _synopsis(command: DeclaredCommand) -> str:
    arguments = [_italic(argument.metavar) for argument in command.arguments]
    more = [_italic("COMMAND ...")] if command.commands else []
    return " ".join([_bold(" ".join(command.words)), "[" + _italic("OPTION") + "]...", *arguments, *more])


def _parameters(parameters: Iterable[DeclaredParameter]) -> Iterator[str]:
    for parameter in parameters:
        value = _italic(parameter.metavar)
        names = ", ".join(map(_bold, parameter.names))
        default = f" Default: {parameter.default}." if parameter.default else ""
        yield from (".TP", f"{names} {value}".strip(), _escape(parameter.help + default))


def _topics() -> Iterator[str]:
    for topic in TOPICS:
        yield f".SH {_escape(topic.upper())}"
        yield from _topic_body(topic)


def _topic_body(topic: str) -> list[str]:
    return list(_paragraphs(read_topic(topic).partition("\n\n")[2]))


def _paragraphs(text: str) -> Iterator[str]:
    """Read what topics and docstrings consist of: text, items after ``- ``, and indented lines, which stay lines."""
    for paragraph in text.strip("\n").split("\n\n"):
        if paragraph.startswith("    "):
            yield from (
                ".PP",
                ".RS 4",
                ".nf",
                *(_escape(line[4:]) for line in paragraph.splitlines()),
                ".fi",
                ".RE",
            )
        elif paragraph.startswith("- "):
            for item in paragraph.removeprefix("- ").split("\n- "):
                yield from (r".IP \(bu 2", _escape(" ".join(item.split())))
        else:
            yield from (".PP", _escape(" ".join(paragraph.split())))


def _heading(name: str, section: int, kind: str) -> list[str]:
    return [f'.TH {_escape(name.upper())} {section} "" "tuishare {tuishare.__version__}" "tuishare {kind}"']


def _name(name: str, summary: str) -> list[str]:
    return [".SH NAME", rf"{_escape(name)} \- {_escape(summary)}"]


def _escape(text: str) -> str:
    """Return one line of text with nothing in it that roff would act on; `code` is bold."""
    safe = (
        text.replace("\\", r"\e")
        .replace("-", r"\-")
        .replace("'", r"\(aq")
        .replace("^", r"\(ha")
        .replace("~", r"\(ti")
    )
    safe = _CODE.sub(lambda found: _strong(found[1]), safe)
    safe = _WIDE.sub(lambda found: rf"\[u{ord(found[0]):04X}]", safe)
    return rf"\&{safe}" if safe.startswith(".") else safe


def _strong(escaped: str) -> str:
    return rf"\fB{escaped}\fR"


def _bold(text: str) -> str:
    return _strong(_escape(text))


def _italic(text: str) -> str:
    return rf"\fI{_escape(text)}\fR" if text else ""


def _between(separator: str, lines: Iterable[str]) -> Sequence[str]:
    return [part for line in lines for part in (separator, line)][1:]


def _join(*parts: Iterable[str]) -> str:
    return "\n".join(line for part in parts for line in part) + "\n"
