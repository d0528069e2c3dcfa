"""What the shell's commands share: how they are registered, options, networks (with a bar for what is downloaded),
whole files."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

import visionlab as vl
from visionlab.cli.answers import plain
from visionlab.errors import ImageError, ParameterError, VisionlabError, WeightsError
from visionlab.wording import MISTAKES, not_read
from visionlab.writing import is_stream, replacing

if TYPE_CHECKING:
    from visionlab.imaging.image import Image
    from visionlab.learning.heads.head import Head
    from visionlab.network.running.classifier import Classifier
    from visionlab.network.zoo.models import Model

console = Console()


def ranged(least: float, most: float = math.inf, *, open_ended: bool = False) -> Callable[..., object]:
    """A callback for an option that is a number from `least` to `most`, open_ended without these two.

    It is called before anything else is done, and raises ParameterError.
    """
    low, high = (f"{each:,}" if isinstance(each, int) else f"{each:g}" for each in (least, most))
    if open_ended:
        good = f"above {low}" + (f" and below {high}" if most < math.inf else "")
    else:
        good = f"{low} or more" if most == math.inf else f"{low} to {high}"

    def check(param: typer.CallbackParam, value: float | None) -> float | None:
        within = value is None or (least < value < most if open_ended else least <= value <= most)
        if not within:
            raise ParameterError(f"{param.opts[-1]} is {value}; it must be {good}.")
        return value

    return check


Network = Annotated[
    str | None, typer.Option("--model", "-m", help="A name that “models” lists; without it the best that is here.")
]
HeadFile = Annotated[Path | None, typer.Option("--head", help="A head that “train” saved; it brings its own network.")]
Refuse = Annotated[
    float | None,
    typer.Option(
        help=f"{MISTAKES}: a share, of which 0.05 is 5 in 100. Without, as the head was set.",
        callback=ranged(0, 1, open_ended=True),
    ),
]
NamesIn = Annotated[
    str | None, typer.Option(help="The encoding of a zip’s names where it states none, such as cp852; else guessed.")
]
Picture = Annotated[Path, typer.Argument(help="A picture: JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table; docs/json/ holds its schema.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but what was asked for: no progress, no remarks.")
]

EXIT_STATUS = (
    "Exit status: 0 where all was done; 1 where some input could not be used, or something that is needed (weights, a "
    "cluster) is not there, which stderr tells; 2 where it was asked for in a way that cannot be."
)
STDOUT = Path("-")  # as an output
LISTED = 20  # pictures that cannot be read of which each is told
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
_left_out: ContextVar[bool] = ContextVar("left_out", default=False)


def add(
    app: typer.Typer,
    function: Callable[..., None],
    name: str | None = None,
    cls: type[typer.core.TyperCommand] | None = None,
) -> None:
    """Make the function a command of the app, with the option --quiet, and with EXIT_STATUS below its help.

    It ends with 1 also where it told of what was left_out, and did its work with the rest.
    """

    @wraps(function)
    def command(*, quiet: bool, **settings: object) -> None:
        before, incomplete = _quiet.set(quiet), _left_out.set(False)
        try:
            function(**settings)
            if _left_out.get():
                raise typer.Exit(1)
        finally:
            _quiet.reset(before)
            _left_out.reset(incomplete)

    signature = inspect.signature(function, eval_str=True)
    option = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
    command.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])
    app.command(name, cls=cls, epilog=EXIT_STATUS)(command)


def is_quiet() -> bool:
    """Whether the command that runs was asked with --quiet."""
    return _quiet.get()


def remark(text: object, *, aside: bool = False) -> None:
    """What nobody asked for, and most like to read: not with --quiet. Aside (on stderr) where stdout is data."""
    if not is_quiet():
        print(text, file=sys.stderr if aside else None)


def of_names(told: str) -> str:
    """A sentence on what came in; the one on names that were guessed says how to read them another way."""
    from visionlab.learning.sets.names import UNMARKED

    if not told.startswith(UNMARKED):
        return told
    return f"{told.removesuffix('.')}; if that is wrong, --names-in says another encoding."


def left_out(problems: Sequence[str]) -> None:
    """Tell, on stderr, of pictures that cannot be read, a sentence each; the command then ends with 1."""
    if not problems:
        return
    _left_out.set(True)
    total = len(problems)
    print(f"{not_read(total)}:", file=sys.stderr)
    for text in problems[:LISTED]:
        print(plain(text), file=sys.stderr)
    if total > LISTED:
        print(f"and {total - LISTED:,} more", file=sys.stderr)


class ListsNames(typer.core.TyperCommand):
    """A command whose help lists what is in tables: they wait for torch, so only who asks for that help waits, too."""

    def format_help(self, ctx, formatter) -> None:
        from visionlab.learning.features.augmentation import VIEWS
        from visionlab.learning.scratch.data import known_by_name, to_download
        from visionlab.learning.sets.splits import HELD_OUT

        tables = {"method": vl.METHODS, "kind": vl.training.KINDS, "augment": VIEWS}
        tables |= {"source": known_by_name(), "downloaded": to_download(), "validation": [f"{HELD_OUT:g}"]}
        for parameter in self.params:
            if parameter.name in tables:
                parameter.help = f"{parameter.help.rpartition(':')[0]}: {', '.join(tables[parameter.name])}."
        super().format_help(ctx, formatter)


def bar(*columns: object, hidden: bool = False) -> Progress:
    """A progress bar on stderr that is gone when it has ended; none, not even an empty line, where nobody watches."""
    shown = Console(stderr=True)
    return Progress(*columns, console=shown, transient=True, disable=hidden or is_quiet() or not shown.is_terminal)


def network(
    model: str | None,
    head: Path | None,
    device: str,
    first: Sequence[str] | None = None,
    refuse: float | None = None,
) -> Classifier:
    """The network of that name, or the head in the file on its own."""
    if head is None and refuse is not None:
        raise ParameterError(f"--refuse {refuse} is for a head: name one with --head.")
    if head is None:
        return base_network(model, device, first)
    chosen = head_in(head, refuse)
    if model not in (None, chosen.network):
        raise ParameterError(f"{head} is a head on {chosen.network}, not on {model}. Leave --model out.")
    return chosen.as_classifier(chosen.base(lambda name: base_network(name, device)))


def head_in(file: Path, refuse: float | None = None) -> Head:
    """The head in a file, set to refuse that share of pictures of its classes where one is given."""
    chosen = vl.load_head(file)
    if refuse is None:
        return chosen
    if chosen.refusal is None:
        raise ParameterError(f"{file} refuses nothing, so that --refuse {refuse} changes nothing. Leave it out.")
    if short := chosen.refusal.short_of(refuse):
        remark(f"--refuse is {refuse:g}; {short}.", aside=True)
    return chosen.refusing(refuse)


def base_network(model: str | None, device: str, first: Sequence[str] | None = None) -> Classifier:
    """The network of that name; its weights are downloaded with a progress bar if need be.

    Without a name it is what the app would begin with, the first of `first` (or of TO_NAME) that is here and whole; if
    that is not the best of them, stderr says so.
    """
    from visionlab.network.zoo.models import MODELS, TO_NAME, available, first_here

    if model is not None:
        return _whole(model, device)
    first = first or TO_NAME
    names = [name for name in first if name in available()] or [first_here(first)]
    told = None
    if first[0] not in names:
        told = (
            f"{MODELS[first[0]].title} would do better, and is not here: python -m visionlab models --get {first[0]}."
        )
    for name in names:
        try:
            found = _whole(name, device)
        except WeightsError as error:
            if name == names[-1]:
                raise
            told = told or str(error)
        else:
            break
    if told:
        remark(f"{told} This is {MODELS[name].title}.", aside=True)
    return found


def _whole(name: str, device: str) -> Classifier:
    from visionlab.network.zoo.models import find_model

    bring(find_model(name))
    net = vl.load_classifier(name, device)
    net.check(wait=True)
    return net


def bring(model: Model) -> None:
    """Download a network's weights, or what they are made of, with a progress bar; where a file is missing that cannot
    be had, nothing. Raises WeightsError."""
    from visionlab.network.files import weights

    for file in sorted(model.files, key=lambda file: file.can_be_had):
        if weights.find(file) is not None or not file.can_be_had:
            weights.fetch(file)
            continue
        with bar(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()) as progress:
            task = progress.add_task(file.name, total=file.to_download)
            for step in weights.download(file):
                progress.update(task, completed=step.done, total=step.total or file.to_download)


def load(path: Path) -> Image:
    """The picture in a file; an ImageError says which file."""
    try:
        return vl.load_image(path)
    except ImageError as error:
        raise ImageError(f"{path.name}: {error}") from error


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VisionlabError(f"{path} cannot be read ({error.strerror}). Name a file that is there.") from error


def ending_of(out: Path, endings: Mapping[str, Sequence[str]]) -> str:
    """How an output's name ends, in lower case, where that is one of the endings, {what is written: those that say so}.
    Raises ParameterError where it is none of them."""
    ending = out.suffix.lower()
    if not any(ending in those for those in endings.values()):
        told = " or ".join(f"{', '.join(those)} ({what})" for what, those in endings.items())
        raise ParameterError(f"“{out.name}” should end in {told}.")
    return ending


def check_csv(out: Path | None, *, printed: bool = False) -> None:
    """Raises ParameterError where an output that is asked for is no place for a CSV: a file whose name says so, a
    stream, or, where that can be printed, STDOUT."""
    if out is not None and not (printed and out == STDOUT) and not is_stream(out):
        ending_of(out, {"a table": [".csv"]})


@contextmanager
def csv_file(out: Path) -> Iterator[TextIO]:
    """Where to write a CSV: what is at the path is whole or as it was, and STDOUT gets it line by line."""
    if out == STDOUT:
        yield sys.stdout
        return
    with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield file


def write(out: Path, data: bytes) -> None:
    with replacing(out) as part:
        part.write_bytes(data)
