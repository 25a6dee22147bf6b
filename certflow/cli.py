"""The command `certflow`: how every outcome becomes an exit code and, if it went wrong, one line on stderr.

Exit codes: 0 every claim holds; 1 a claim is violated; 2 bad usage or bad input; 3 inconclusive; 4 internal
error; 130 interrupted; 141 the reader of the output went away. A standard output that is closed or full is bad
usage, 2, since nobody can read the verdict; a standard error that is closed or full changes nothing. The commands
themselves are in `certflow.commands`, imported on first use so that an interruption during start-up is caught here too.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

from certflow.errors import InputError, did_you_mean

#: What a shell sets to the words that it completes.
_COMPLETE = "_CERTFLOW_COMPLETE"
BAD_INPUT, INTERNAL_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 4, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code; never raises."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        _prepare_streams()
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except InputError as error:
        return _fail(str(error), BAD_INPUT)
    except KeyboardInterrupt as error:
        return _fail(str(error) or "interrupted", INTERRUPTED)
    except BrokenPipeError:
        _discard(sys.stdout)
        return BROKEN_PIPE
    except OSError as error:
        _discard(sys.stdout)
        return _fail(_refusal(error), BAD_INPUT)
    except Exception as error:
        if os.environ.get("CERTFLOW_DEBUG"):
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _fail(
            f"internal error: {what}; please report it to the project with the command line and the input "
            "(CERTFLOW_DEBUG=1 shows the traceback)",
            INTERNAL_ERROR,
        )


def _dispatch(arguments: list[str]) -> int:
    import typer
    from typer.completion import shell_complete

    from certflow.commands import command

    asked = os.environ.get(_COMPLETE)  # by a shell, after Tab
    root = command() if asked else command(*arguments[:1])
    if asked:
        return shell_complete(root, {}, "certflow", _COMPLETE, asked)
    try:
        # Not `root.main`: that one prints errors on several lines and ends the process.
        with root.make_context("certflow", arguments) as context:
            return int(root.invoke(context) or 0)
    except typer.Exit as done:
        return int(done.exit_code)
    except SystemExit as done:  # how typer ends after --show-completion
        return int(done.code or 0)
    except Exception as error:
        if hasattr(error, "format_message") and getattr(error, "exit_code", None) == BAD_INPUT:
            return _fail(_usage(error), BAD_INPUT)
        raise


def _usage(error: Any) -> str:
    """A usage error of the argument parser in one line: where, what came, what is required."""
    context = getattr(error, "ctx", None)
    message = re.split(r" Did you mean| \(Possible options", error.format_message())[0].rstrip(".")
    if context is None:
        return f"{message}; required: a command line as `certflow --help` describes it"
    where = context.command_path.removeprefix("certflow").strip()
    if type(error).__name__ == "NoSuchOption":
        known = [option for parameter in context.command.params for option in parameter.opts if option[:2] == "--"]
        required = f"one of {', '.join([*known, '--help'])}{did_you_mean(error.option_name, known)}"
    elif hasattr(context.command, "list_commands"):
        known = context.command.list_commands(context)
        written = next((word for word in re.findall("'(.*?)'", message)), "")
        required = f"one of the commands {', '.join(known)}{did_you_mean(written, known)}"
    else:
        required = " ".join(context.get_usage().split()).removeprefix("Usage: ")
    return f"{where}: {message}; required: {required}" if where else f"{message}; required: {required}"


def _refusal(error: OSError) -> str:
    """What the system refused, in one line: a file that has a name, else the output itself."""
    reason = error.strerror or type(error).__name__
    if error.filename is None:
        return f"stdout: got {reason!r}; required: an output that can be written"
    return f"{error.filename}: got {reason!r}; required: a file or directory that can be used"


def _fail(message: str, code: int) -> int:
    try:
        print("certflow:", " ".join(message.split()), file=sys.stderr, flush=True)
    except (OSError, ValueError):  # if nobody reads stderr, the exit code still tells
        _discard(sys.stderr)
    return code


def _prepare_streams() -> None:
    """Three open streams; a terminal that has no `λ` shows `?` in its place rather than failing.

    The number of a closed stream would go to the next file that is opened, which then gets what libraries print.
    """
    closed = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _connect_to_nothing(number)
    sys.stdout, sys.stderr = (stream or _nothing() for stream in (sys.stdout, sys.stderr))
    if closed:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _nothing() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _connect_to_nothing(number: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)


def _discard(stream: TextIO) -> None:
    """Send what is still buffered nowhere, or the interpreter would complain of it at exit."""
    with suppress(OSError, ValueError):
        _connect_to_nothing(stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
