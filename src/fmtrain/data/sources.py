"""Where samples come from: standard input, files, globs, commands, Python iterables.

A source either has a file descriptor, which the core reads itself, or yields blocks of bytes. A
source that broke off never looks like one that ended: a cut gzip or zstd file, or a command that
exits non-zero, raises BrokenInputError.
"""

from __future__ import annotations

import glob
import os
import stat
import subprocess
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from fmtrain.errors import (
    BrokenInputError,
    FileError,
    FmtrainError,
    MissingExtraError,
    ParameterError,
)

BLOCK_BYTES = 1 << 20
#: What is handed to a decompressor at once: zstd has no bound on what comes out of it.
COMPRESSED_BYTES = 1 << 17
EXEC_PREFIX = "exec:"


class Source:
    """One input. Used as `with source.open() as input:`; files may be opened again."""

    #: What messages call it.
    name: str = ""
    #: Whether a second pass is possible.
    replayable: bool = False
    #: A pipe: one whose last line is cut may have lost its producer.
    is_pipe: bool = False

    @contextmanager
    def open(self) -> Iterator[int | Iterable[bytes]]:
        """Yields a file descriptor to read, or the blocks themselves."""
        raise NotImplementedError
        yield


class Stdin(Source):
    name = "stdin"

    def __init__(self) -> None:
        if sys.stdin is None or sys.stdin.closed:
            raise FileError("stdin: it is closed: pipe samples in or name a file")
        self._fd = sys.stdin.fileno()
        self.is_pipe = not stat.S_ISREG(os.fstat(self._fd).st_mode)

    @contextmanager
    def open(self) -> Iterator[int | Iterable[bytes]]:
        yield self._fd


class File(Source):
    """A plain file, or one that `.gz` or `.zst` in its name says is compressed."""

    def __init__(self, path: str) -> None:
        self.name = path
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise FileError(f"{path}: cannot read: {error.strerror}") from error
        if stat.S_ISDIR(mode):
            raise FileError(f"{path}: cannot read: it is a directory; name its files, as {path}/*")
        if not os.access(path, os.R_OK):
            raise FileError(f"{path}: cannot read: Permission denied")
        self.replayable = stat.S_ISREG(mode)
        self.is_pipe = not self.replayable
        if path.endswith(".zst"):
            import_zstandard(path)

    @contextmanager
    def open(self) -> Iterator[int | Iterable[bytes]]:
        with opened(self.name) as file:
            if self.name.endswith(".gz"):
                blocks = inflated(file, self.name)
            elif self.name.endswith(".zst"):
                blocks = unpacked(file, self.name)
            else:
                yield file.fileno()
                return
            if self.is_pipe:
                # Ctrl-C would not end a thread that waits for a producer.
                yield blocks
            else:
                with made_ahead(blocks) as made:
                    yield made


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """A file whose errors, at opening or reading, name it."""
    try:
        with open(path, "rb", buffering=0) as file:
            yield file
    except OSError as error:
        if isinstance(error, FmtrainError):
            raise
        raise FileError(f"{path}: cannot read: {error.strerror}") from error


class Command(Source):
    """`exec:CMD`: the output of a shell command, whose exit code counts."""

    is_pipe = True

    def __init__(self, command: str) -> None:
        self.name = command
        self.replayable = True

    @contextmanager
    def open(self) -> Iterator[int | Iterable[bytes]]:
        with subprocess.Popen(self.name, shell=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.fileno()
            except BaseException:
                # Stopped before its end: how the command takes that says nothing.
                process.kill()
                raise
            if process.wait() != 0:
                raise BrokenInputError(
                    f"the command '{self.name}' failed with exit code {process.returncode}"
                )


class Stream(Source):
    """A binary file object or an iterable of lines or blocks, str or bytes.

    Items that are str, or bytes without a newline at the end, are lines and get one.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self.name = str(getattr(items, "name", "stream"))
        # An iterator is used up by its first pass; a list is not.
        self.replayable = iter(items) is not items
        self._items = items

    @contextmanager
    def open(self) -> Iterator[int | Iterable[bytes]]:
        read = getattr(self._items, "read", None)
        yield (
            iter(lambda: as_block(read(BLOCK_BYTES)), b"")
            if read is not None
            else joined(self._items)
        )


def as_block(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode(errors="surrogateescape")
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise ParameterError(f"the stream yields a {type(data).__name__}: give lines, str or bytes")


def joined(items: Iterable[Any]) -> Iterator[bytes]:
    """Lines and blocks in blocks of about BLOCK_BYTES, each ending at a line's end."""
    parts: list[bytes] = []
    size = 0
    for item in items:
        part = as_block(item)
        if not part.endswith(b"\n"):
            part += b"\n"
        parts.append(part)
        size += len(part)
        if size >= BLOCK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


def import_zstandard(path: str) -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError(
            f"{path}: reading .zst needs the package zstandard: pip install 'fmtrain[zstd]'"
        ) from error
    return zstandard


@contextmanager
def made_ahead(blocks: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The same blocks, made by a thread while those before are taken."""
    from concurrent.futures import ThreadPoolExecutor  # here: plain files do without

    def taken() -> Iterator[bytes]:
        # Of two that are ordered one is ready or being made at any time.
        ordered = deque(maker.submit(next, blocks, None) for _ in range(2))
        while (block := ordered.popleft().result()) is not None:
            ordered.append(maker.submit(next, blocks, None))
            yield block

    with ThreadPoolExecutor(max_workers=1) as maker:
        yield taken()


def inflated(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Blocks of at most BLOCK_BYTES of a gzip file."""
    return decompressed(
        file,
        name,
        inflater(),
        lambda decompressor, data: decompressor.decompress(data, BLOCK_BYTES),
    )


def inflater() -> Callable[[], Any]:
    """Of igzip where it is installed (the extra gzip), else of zlib, which takes thrice as long."""
    try:
        from isal.isal_zlib import decompressobj
    except ImportError:
        return lambda: zlib.decompressobj(wbits=31)
    return lambda: decompressobj(wbits=31)


def unpacked(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Blocks of a zstd file."""
    return decompressed(
        file,
        name,
        import_zstandard(name).ZstdDecompressor().decompressobj,
        lambda decompressor, data: decompressor.decompress(data),
    )


def decompressed(
    file: IO[bytes],
    name: str,
    new: Callable[[], Any],
    decompress: Callable[[Any, bytes], bytes],
) -> Iterator[bytes]:
    """Any number of members end to end, zeros behind them allowed; one that is cut is an error."""
    decompressor = new()
    while data := file.read(COMPRESSED_BYTES):
        more = True
        while more:
            if decompressor.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                decompressor = new()
            try:
                block = decompress(decompressor, data)
            except Exception as error:  # zlib.error and zstandard.ZstdError share no base
                raise BrokenInputError(f"{name}: damaged compressed data: {error}") from error
            data = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
            # A full block may have left output behind in the decompressor.
            more = bool(data) or (len(block) >= BLOCK_BYTES and not decompressor.eof)
            yield block
    if not decompressor.eof:
        raise BrokenInputError(f"{name}: the compressed file ends before its end: it was cut")


def open_source(source: Any) -> list[Source]:
    """One user-given source: a path, glob, `-`, `exec:CMD`, file object or iterable."""
    if isinstance(source, Source):
        return [source]
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if not isinstance(source, str):
        if isinstance(source, (bytes, bytearray)) or not hasattr(source, "__iter__"):
            raise ParameterError(
                f"source is a {type(source).__name__}: give a path, a file object or lines"
            )
        return [Stream(source)]
    if source == "-":
        return [Stdin()]
    if source.startswith(EXEC_PREFIX):
        return [Command(source[len(EXEC_PREFIX) :])]
    if not os.path.exists(source) and glob.has_magic(source):
        paths = sorted(glob.glob(source))
        if not paths:
            raise FileError(f"{source}: cannot read: no file matches")
        return [File(path) for path in paths]
    return [File(source)]


def open_sources(source: Any) -> list[Source]:
    """All inputs of a run, checked before anything is read.

    A str or path is a location, a list or tuple of them several; lines come as a file object, a
    generator, or a list of bytes. An empty list is standard input.
    """
    if isinstance(source, (list, tuple)) and all(
        isinstance(item, (str, os.PathLike, Source)) for item in source
    ):
        return [found for item in source for found in open_source(item)] or [Stdin()]
    return open_source(source)


def names_of(sources: Iterable[Source]) -> str:
    return ", ".join(source.name for source in sources)
