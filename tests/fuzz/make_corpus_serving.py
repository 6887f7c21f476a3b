"""Writes the corpus of the scorer's fuzz targets; see make_corpus.py."""

from __future__ import annotations

import struct

from make_corpus import save


def host_offsets(start: int, *steps: int) -> bytes:
    return bytes([start, *steps])


def host_column(
    name: int,
    kind: int,
    cells: bytes,
    odd: int = 0,
    null: int = 0,
    missing: bytes = b"",
    size: int = 0,
) -> bytes:
    """As fuzz_row_features reads it: `cells` are offsets and values; missing (rows)."""
    return bytes([name, kind, odd]) + cells + bytes([null]) + missing + bytes([not missing, size])


def row_features() -> None:
    def rows(name: str, how: int, lines: bytes) -> None:
        save("fuzz_row_features", name, bytes([how]) + lines)

    rows("sides", 0, b'{"a":"u","b":"i","c":"r"}\n{"b":1}\n{"a":"v","b":"j"}\n{"c":null}\n')
    rows("lists", 1, b'{"a":["k","l"],"b":{"m":0.5,"n":2},"c":"Two words","d":1}\n{"d":"x"}\n'
         b'{"a":"o,p","b":"q:1,s","d":-2,"y":1}\n{"b":{"n":"no"}}\n{"y":7}\n')  # fmt: skip
    rows("shared", 2, b'{"a":"A b","c":3,"b":3600,"d":["e"]}\n{}\n{"d":"f,g","b":"1970-01-02"}\n')
    rows("rejected", 2, b'{"a":"A b"}\n{"c":1}\n')
    rows("no_objects", 1, b'{"a":"k"}\n\n[1]\n{"d":\n"d"\n{"d":1}}\n')
    rows("empty", 0, b"")
    doubles, floats, whole, texts, lists = range(5)
    half, one = struct.pack("<d", 0.5), struct.pack("<d", 1.0)
    two_rows = bytes([1])  # 1 + 1 % 4
    number = host_column(3, doubles, half + one, missing=bytes([0, 3]))
    single = host_column(3, doubles, half)
    category = host_column(1, texts, host_offsets(0, 2, 1) + b"xyz" + bytes(2))
    weighted = host_column(
        1, lists, host_offsets(0, 1, 1) + host_offsets(0, 1, 1) + bytes([100, 99, 0]) + b"pq"
    )
    rows("numbers", 33, two_rows + bytes([1]) + number + b'{"a":"k"}')
    rows("texts", 32, two_rows + bytes([1]) + category + b'{"a":"k","c":"z"}')
    rows("weights", 33, two_rows + bytes([2]) + weighted + number + b'{"a":"k"}')
    falling = host_column(1, texts, host_offsets(2, 255, 1) + b"xy" + bytes(2))
    rows("falling", 32, two_rows + bytes([1]) + falling + b'{"a":"k"}')
    rows("null", 33, two_rows + bytes([1]) + host_column(3, whole, half + one, null=9) + b"{}")
    rows("small_struct", 33, two_rows + bytes([1]) + host_column(3, floats, half + one, size=5))
    rows("odd_type", 33, two_rows + bytes([1]) + host_column(3, floats, half + one, odd=7))
    rows("twice", 33, two_rows + bytes([2]) + number + number + b"{}")
    user = host_column(0, texts, host_offsets(0, 3) + b"a b" + b"\0")
    rows("user", 18, bytes([2]) + user + host_column(2, whole, bytes(8)) + b'{"d":"e"}\n{"b":5}')
    rows("columns", 50, bytes([1]) + host_column(2, floats, half) + two_rows + bytes([1]) + number)
    rows("user_in_part", 49, bytes([1]) + single + two_rows + bytes([1]) + weighted)


def serving_file() -> None:
    def sections(**parts: bytes) -> bytes:
        """As csrc/serve/serving_file.h has them, less the zeros between; checksums are 0."""
        kinds = ["meta", "encoder", "curve", "index", "ids", "weights"]
        table, end = b"", 64 + 24 * len(parts)
        for name, part in parts.items():
            place = (end + 4095) // 4096 * 4096
            table += struct.pack("<IIQQ", kinds.index(name) + 1, 0, place, len(part))
            end = place + len(part)
        front = b"\x89FMSRV\n\x1a" + struct.pack("<IIQII", 1, len(parts), end, 0, 0) + bytes(32)
        pieces = [front + table, *parts.values()]
        return b"".join(struct.pack("<H", len(piece)) + piece for piece in pieces)

    def meta(precision: str = "float32", features: int = 2, factors: int = 0) -> bytes:
        return (
            f"name=n\nversion=\ntrained_until=0\nprecision={precision}\nlink=exp\nhash_seed=0\n"
            f"features={features}\nfactors={factors}\nbuckets=1\nbias=0.5\nprior=0\n"
            "down_sampling_rate=1\ngolden_shift=0\n"
        ).encode()

    def model(name: str, weights: bytes, fix: int = 1, **parts: bytes) -> None:
        rows = {
            "index": struct.pack("<2I", 0, 2),
            "ids": struct.pack("<2Q", 1, 1 << 63) + b"\xff" * 64,
            "weights": weights,
        }
        save("fuzz_serving", name, bytes([fix]) + sections(**parts, **rows))

    two = struct.pack("<2f", 0.25, -1.0)
    model("lr", two, meta=meta())
    model("fm_half", struct.pack("<6e", *[0.5] * 6), meta=meta("float16", 2, 2))
    model("fm_int8", struct.pack("<2f48b", 0.1, 0.2, *[7] * 6, *[0] * 42), meta=meta("int8", 2, 2))
    points = struct.pack("<4d", -1, 0.1, 1, 0.9)
    sample = struct.pack("<IIQff", 0, 1, 1, 2.0, 1.0)
    golden = struct.pack("<IIQ", 3, 0, len(sample)) + sample
    model("curve_and_golden", two, meta=meta(), encoder=golden, curve=points)
    model("unfixed_checksums", two, fix=0, meta=meta())
    model("claims", two, meta=meta(features=4000000000))


if __name__ == "__main__":
    row_features()
    serving_file()
