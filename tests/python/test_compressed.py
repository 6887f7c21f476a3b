"""Compressed sources: any number of members, whole or an error, in bounded memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from fmtrain.data.sources import BLOCK_BYTES, open_sources
from fmtrain.errors import BrokenInputError, MissingExtraError

Cli = Callable[..., CompletedProcess[bytes]]
TEXT = b"".join(b"%d user:%d ad%d:2\n" % (i % 2, i, i % 7) for i in range(40))


def content(source: Any) -> bytes:
    """All bytes of a source, as the core gets them."""
    parts = []
    for one in open_sources(source):
        with one.open() as data:
            parts += iter(lambda fd=data: os.read(fd, 1000), b"") if isinstance(data, int) else data
    return b"".join(parts)


def zstd(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    compressed: bytes = zstandard.ZstdCompressor(write_checksum=True).compress(data)
    return compressed


COMPRESS = {".gz": gzip.compress, ".zst": zstd}


@pytest.fixture(params=[".gz", ".gz by zlib", ".zst"])
def suffix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a compressed file ends in; igzip reads .gz unless it is not installed."""
    found, _, reader = str(request.param).partition(" by ")
    if reader == "zlib":
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    elif found == ".gz":
        pytest.importorskip("isal")
    return found


def test_compressed_files_of_many_members(tmp_path: Path, suffix: str) -> None:
    compress = COMPRESS[suffix]
    path = tmp_path / f"samples{suffix}"
    path.write_bytes(compress(TEXT[:100]) + compress(b"") + compress(TEXT[100:]))
    assert content(path) == TEXT
    large = b"".join(b"%d a%d\n" % (i % 2, i) for i in range(500_000))
    assert len(large) > 4 * BLOCK_BYTES
    path.write_bytes(compress(large[:-7]) + compress(large[-7:]))
    assert content(path) == large


def test_a_compressed_file_cut_anywhere_broke_off(tmp_path: Path, suffix: str) -> None:
    first, second = COMPRESS[suffix](TEXT[:500]), COMPRESS[suffix](TEXT[500:])
    path = tmp_path / f"cut{suffix}"
    for size in range(len(first + second)):
        path.write_bytes((first + second)[:size])
        if size == len(first):
            assert content(path) == TEXT[:500]  # a whole file: nobody can know that more was meant
            continue
        with pytest.raises(BrokenInputError, match=f"cut{suffix}"):
            content(path)


def test_a_flipped_bit_is_found_or_harmless(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"flipped{suffix}"
    whole = COMPRESS[suffix](TEXT)
    found = 0
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        try:
            assert content(path) == TEXT, bit
        except BrokenInputError:
            found += 1
    assert found > 6 * len(whole)


def test_what_is_not_compressed_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"plain{suffix}"
    path.write_bytes(TEXT)
    with pytest.raises(BrokenInputError, match=f"plain{suffix}: damaged compressed data"):
        content(path)
    path.write_bytes(COMPRESS[suffix](TEXT) + b"junk behind it")
    with pytest.raises(BrokenInputError, match=f"plain{suffix}: damaged compressed data"):
        content(path)


def test_what_is_read_no_further_leaves_no_thread(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"samples{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT * 10_000))
    before = threading.active_count()
    with open_sources(path)[0].open() as data:
        assert not isinstance(data, int)
        assert next(iter(data)).startswith(TEXT[:100])
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


@pytest.mark.parametrize("zeros", [1, 2, 511, BLOCK_BYTES + 1])
def test_gzip_may_end_in_zeros(tmp_path: Path, zeros: int) -> None:
    path = tmp_path / "padded.gz"
    path.write_bytes(gzip.compress(TEXT) + bytes(zeros))
    assert content(path) == TEXT


def test_a_zstd_frame_to_skip_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "pzstd.zst"
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"meta"
    path.write_bytes(skippable + zstd(TEXT) + skippable)
    assert content(path) == TEXT


def peak_bytes(path: Path) -> int:
    """Memory that a process needs at most to train on `path`."""
    # ru_maxrss would count the parent's memory too: a process starts as a copy of it.
    code = (
        "import re, sys; from fmtrain import FTRLModel;"
        "FTRLModel(factors=0).fit_stream(sys.argv[1]);"
        "print(re.search('VmHWM:\\\\s*(\\\\d+) kB', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    return int(done.stdout) * 1024


def test_inflating_takes_bounded_memory(tmp_path: Path) -> None:
    line = b"1 a b c d e f g\n"
    (tmp_path / "plain").write_bytes(line * 1000)
    # 128 MB of one line: a few hundredths of that in the file.
    (tmp_path / "dense.gz").write_bytes(gzip.compress(line * (1 << 23), 1))
    assert peak_bytes(tmp_path / "dense.gz") < peak_bytes(tmp_path / "plain") + 32e6


def test_the_message_for_a_missing_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "samples.zst"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"samples\.zst.*pip install 'fmtrain\[zstd\]'"):
        open_sources(path)


def test_the_message_for_a_missing_package_in_the_shell(
    tmp_path: Path, fmtrain_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zstandard.py").write_text("raise ImportError('not here')\n")
    (tmp_path / "samples.zst").write_bytes(b"")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    done = fmtrain_cli("fit", tmp_path / "samples.zst", "--model", tmp_path / "m.fmt")
    assert done.returncode == 1
    assert b"pip install 'fmtrain[zstd]'" in done.stderr
    assert b"Traceback" not in done.stderr
