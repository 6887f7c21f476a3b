"""Writes the fuzz targets' corpus: a few small inputs each, one a feature of the format.

    python make_corpus.py            # tests/fuzz/corpus/<target>/<name>
    python make_corpus_serving.py    # of what servers give

Inputs that once broke something are added here, named after what they broke.
"""

from __future__ import annotations

import struct
from json import loads
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


def save(target: str, name: str, data: bytes) -> None:
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def text(name: str, lines: bytes, piece: int = 5, libffm: bool = False) -> None:
    save("fuzz_parser", name, bytes([(piece - 1) << 1 | libffm]) + lines)


def parser() -> None:
    text("samples", b"1 a:1 b:2.5\n0 a b c:-1e-3\n-1:2.5 x\t y:.5  z:5.\n0.25 q # user 7\n")
    text("crlf_blank_comment", b"# head\r\n\r\n1 a\r\n \t\n#\n0 b\r\r\n1 c\rd")
    text("keys_and_hashes", b"1 #tag:2 a#b # k e y \t\n0 a #\n1 #x # \n")
    text("numbers", b"1 a:+1 b:-0 c:1e400 \n1 a:1e-400 b:0x10\n1 a:nan\n0 a:16777217 b:1e38\n")
    text("long_numbers", b"1 a:0." + b"0123456789" * 9 + b" b:" + b"9" * 60 + b"\n1 c:1e-45\n")
    text("bad_labels", b"2 a\nx\n:1\n1:\n1:-1 a\n1:nan\n1e a\n0x1 a\n+1 a\n-0.5\n")
    text("bad_features", b"1 a:\n1 :a\n1 a:1:2\n1 a: b\n1 a:b\n1 a:1x\n", piece=1)
    text("any_bytes", b"1 \x00:2 \xff\xfe \x0b\x0c:1 \xe6\x97\xa5:3\n\x00\n1 a\x00b\n")
    text("libffm", b"1 0:a:2 1:b 2:a:0\n0 f\n1 f:\n1 :a:1\n1 f::1\n1 f:a:x\n", libffm=True)
    text("many_samples", b"1 a\n0 b:2\n" * 40, piece=64)
    text("no_last_newline", b"1 a b:3", piece=3)


def json() -> None:
    def text(name: str, value: bytes, flags: int = 0) -> None:
        save("fuzz_json", name, bytes([flags]) + value)

    text("values", b'{"a": [1, -2.5e3, "x", true, false, null, {}, []],\n"":{"b":0}}')
    text("escapes", rb'["\"\\\/\b\f\n\r\t", "a\u0041\u00e9\u20ac\ud83d\ude00", "\udc00"]')
    text("numbers", b"[0, -0.0, 1e400, 1e-400, 12345678901234567890, 5e-324, 1E+2]")
    text("not_finite", b"[NaN, Infinity, -Infinity]", flags=2)
    text("many_keys", b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(40)) + b"}")
    text("key_twice", b'{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"a":8}')
    text("deep", b"[" * 70)
    text("cut", b'{"a":"b\\')
    every = b"[i\xfeU\xfeI\xff\x00l\x00\x01\x00\x00L" + b"\xff" * 8 + b"d\x3f\x80\x00\x00"
    text("ub_values", b"{i\x01a" + every + b"D\xbf\xf8" + bytes(6) + b"CxSU\x02hiTFZN]}", flags=1)
    text("ub_typed", b"[$l#L" + bytes(7) + b"\x02" + bytes(8), flags=1)
    text("ub_typed_object", b"{$U#i\x02i\x01a\x01i\x01b\x02", flags=1)
    text("ub_nested", b"[$[#i\x02]$U#i\x01\x09", flags=1)
    text("ub_claims", b"[$Z#l\x7f\xff\xff\xff", flags=1)
    text("ub_claims_more", b"[#L\x7f" + b"\xff" * 7 + b"T", flags=1)


def delimited() -> None:
    def rows(name: str, lines: bytes, kind: int, columns: int, header: bool = False) -> None:
        save("fuzz_delimited", name, bytes([kind | header << 2 | (columns - 1) << 3]) + lines)

    tsv, csv, trimmed, semicolons = 0, 1, 2, 3
    rows("tsv", b"1\t5\tab\n0\t\t\n\t\t\r\n1\ta\tb\tc\n1\ta\n\n", tsv, 3)
    rows("long_row", b"\t".join(b"%d:%%&" % i for i in range(32)), tsv, 32)
    rows("quotes", b'"a,b","c""d"\n"",""""\na"b,"c"\n"a""","b:"\n', csv, 2)
    rows("open_quotes", b'"a,b\n"a"b,c\na,"\na,"b""\n"a" ,b\n', csv, 2)
    rows("blanks", b' a ,\tb c \n " a" , "" \n  ,\n "a" b,c\n', trimmed, 2)
    rows("single_quotes", b" 'a;''b' ;\"c\n';';\n", semicolons, 2)
    rows("header", b'\xef\xbb\xbfb,x,"a",\n1,2,3,4\n1,2\n', csv, 3, header=True)
    rows("header_twice", b"a,b,a\n1,2,3\n", csv, 2, header=True)
    rows("header_empty", b"\n1,2,3\n", csv, 2, header=True)
    rows("one_column", b'a\n\n""\n"a"",b"\n' + b'"' * 200 + b"\n", csv, 1)


def json_rows() -> None:
    def rows(name: str, lines: bytes) -> None:
        save("fuzz_json_rows", name, lines)

    rows("scalars", b'{"a": "x", "b": -1.5e3, "label": true}\n{"b":null,"a":false}\n\n \n{}')
    rows("lists", b'{"a":["x",1,true,null],"b":[]}\n{"a":{"x":0.5,"y":1e999},"b":{}}\n')
    rows("nested", b'{"a":[["x",1]],"b":{"x":"1"},"c":[[[]]]}\n{"label":{"x":null}}\n')
    rows("order", b'{"a":1,"b":2}\n{"b":1,"a":2}\n{"c":0,"b":1}\n{"label":1}\n')
    rows("escapes", b'{"\\u0061":"\\ud83d\\ude00\\"","":"\\u0000","\xc3\xa9\\n":["\\t"]}\n')
    rows("no_objects", b'[1]\n"a"\nnull\n{"a":1,"a":2}\n{"a":1}}\n{"a":1,}\n{"a":"\n')


XGBOOST = b"""{"version":[2,1,0],"learner":{"feature_names":["age","sex"],
"learner_model_param":{"num_feature":"2"},"gradient_booster":{"name":"gbtree","model":{
"gbtree_model_param":{"num_trees":"1"},"trees":[{"tree_param":{"num_nodes":"5"},
"left_children":[1,3,-1,-1,-1],"right_children":[2,4,-1,-1,-1],"split_indices":[0,1,0,0,0],
"split_conditions":[5E-1,0E0,1E0,2E0,3E0],"default_left":[1,0,0,0,0],"split_type":[0,1,0,0,0],
"categories":[1,33],"categories_nodes":[1],"categories_segments":[0],"categories_sizes":[2]}]}}}}
"""
LIGHTGBM = b"""tree
version=v4
max_feature_idx=1
feature_names=age sex
tree_sizes=99

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
threshold=0.5 0
decision_type=10 1
left_child=-1 -2
right_child=1 -3
cat_boundaries=0 2
cat_threshold=2 2

end of trees
"""


def ubjson(value: object) -> bytes:
    """As XGBoost writes it."""

    def text(value: str) -> bytes:
        return struct.pack(">cq", b"L", len(value)) + value.encode()

    if isinstance(value, dict):
        members = (text(key) + ubjson(item) for key, item in value.items())
        return b"{" + b"".join(members) + b"}"
    if isinstance(value, list) and value and all(isinstance(v, float) for v in value):
        return b"[$d#L" + struct.pack(f">q{len(value)}f", len(value), *value)
    if isinstance(value, list):
        return struct.pack(">3sq", b"[#L", len(value)) + b"".join(map(ubjson, value))
    if isinstance(value, str):
        return b"S" + text(value)
    kind = "f" if isinstance(value, float) else "i"
    return (b"d" if kind == "f" else b"l") + struct.pack(f">{kind}", value)


def forest() -> None:
    def model(name: str, data: bytes) -> None:
        save("fuzz_forest", name, b"\1" + data)

    model("xgboost", XGBOOST)
    model("xgboost_ubjson", ubjson(loads(XGBOOST)))
    model("xgboost_infinity", XGBOOST.replace(b"5E-1", b"-Infinity"))
    model("xgboost_cycle", XGBOOST.replace(b"[1,3,-1", b"[1,0,-1"))
    model("xgboost_outside", XGBOOST.replace(b"[2,4,-1", b"[2,40,-1"))
    dart = XGBOOST.replace(b'"name":"gbtree",', b'"name":"dart","gbtree":{').replace(
        b"}}}}", b"}}}}}"
    )
    model("xgboost_dart", dart)
    model("lightgbm", LIGHTGBM)
    model("lightgbm_zero", LIGHTGBM.replace(b"decision_type=10", b"decision_type=6"))
    model("lightgbm_infinity", LIGHTGBM.replace(b"=0.5", b"=inf"))
    model("lightgbm_leaf", LIGHTGBM.replace(b"leaves=3", b"leaves=1"))
    model("lightgbm_claims", LIGHTGBM.replace(b"leaves=3", b"leaves=2000000000"))
    head = b"\x89FMFOR\n\x1a" + struct.pack("<II", 1, 0)
    numbers = struct.pack("<BIf", 17, 0, 0.5) + struct.pack("<BIBI", 0, 1, 0, 2)
    model("own_xgboost", head + struct.pack("<4I", 0, 1, 0, 1) + numbers)
    numbers = struct.pack("<BId", 25 - 16, 0, 0.5) + struct.pack("<BIBI", 0, 0, 0, 1)
    sets = struct.pack("<BIII", 3, 1, 1, 6) + struct.pack("<BIBI", 0, 0, 0, 1)
    model("own_lightgbm", head + struct.pack("<4I", 1, 2, 0, 2) + numbers + sets)
    named = struct.pack("<I1sI1s", 1, b"a", 1, b"b")
    model("own_names", head + struct.pack("<4I", 1, 2, 2, 2) + named + numbers + sets)
    model("own_claims", head + struct.pack("<4I", 0, 1 << 30, 1 << 30, 1 << 31))


def preamble(header: bytes, version: int = 1) -> bytes:
    return b"\x89FMTRN\n\x1a" + struct.pack("<II", version, len(header)) + header + bytes(4)


def block(kind: int, items: int, payload: bytes = b"") -> bytes:
    return struct.pack("<IIQQII", kind, 0, len(payload), items, 0, 0) + payload


def row(feature: int, *floats: float) -> bytes:
    return struct.pack(f"<Q{len(floats)}f", feature, *floats)


def tailed(feature: int, link: int, stamp: int = 0) -> bytes:
    return row(feature, 1.0, 2.0) + struct.pack("<II", link, stamp)


def model_file() -> None:
    def model(name: str, *parts: bytes, fix: int = 1) -> None:
        save("fuzz_model_file", name, bytes([fix]) + b"".join(parts))

    rows, names, stored, end, heads = 1, 2, 3, 4, 5
    lr, fm = b"factors=0\nnames=0\nrows=2\n", b"factors=2\nnames=1\nrows=1\n"
    two = row(1, 1.0, 2.0) + row(2, -3.0, 0.5)
    model("empty", preamble(b"rows=0\n"), block(end, 0))
    model("lr", preamble(lr + b"bias.z=1\nbias.n=2\nl1=0\n"), block(rows, 2, two), block(end, 2))
    model("lr_two_blocks", preamble(lr), block(rows, 1, two[:16]), block(rows, 1, two[16:]),
          block(end, 2))  # fmt: skip
    named = block(rows, 1, row(7, *[1.0] * 6)) + block(names, 1, struct.pack("<I", 3) + b"abc")
    model("fm_names", preamble(fm), named, block(end, 1))
    model("fm_lazy", preamble(b"factors=1\nrows=1\nforce_v_sparse=1\nseed=5\n"),
          block(rows, 1, row(7, 0.0, 1.0, 0.0, 0.0)), block(end, 1))  # fmt: skip
    model("stored", preamble(fm + b"stored.bias=0.5\n"), named,
          block(stored, 1, row(7, 1.0, 2.0, 3.0)), block(end, 1))  # fmt: skip
    model("unfixed_checksums", preamble(lr), block(rows, 2, two), block(end, 2), fix=0)
    model("of_the_future", preamble(lr, version=9), block(end, 0))

    lanes, has_lanes = struct.pack("<4f", 0.5, 1.0, -2.0, 0.0), 1 << 30
    late_fm = b"factors=2\nv_min_count=3\nnames=0\ntail=1\nrows=2\n"
    late = tailed(7, has_lanes, 5) + tailed(9, 2, 1 << 24)
    pair = struct.pack("<II", 1, 2) + b"abc"
    model("v2_lr", preamble(lr + b"tail=0\n", 2), block(heads, 2, two), block(end, 2))
    model("v2_late_lanes", preamble(late_fm, 2), block(heads, 2, late + lanes), block(end, 2))
    model("v2_names", preamble(late_fm.replace(b"names=0", b"names=1"), 2),
          block(heads, 2, late + lanes), block(names, 2, pair), block(end, 2))  # fmt: skip
    model("v2_two_blocks", preamble(late_fm + b"v_start=kept\n", 2), block(heads, 1, late[24:]),
          block(heads, 1, late[:24] + lanes), block(end, 2))  # fmt: skip
    model("v2_expiry", preamble(lr + b"tail=1\nexpire_after=30d user_=7d a=b=0\n", 2),
          block(heads, 2, tailed(7, 0, 3 << 24 | 5) + tailed(9, 0, 9)), block(end, 2))  # fmt: skip
    model("v2_stored", preamble(late_fm + b"stored.bias=0.5\n", 2), block(heads, 2, late + lanes),
          block(stored, 2, row(9, 1.0, 2.0, 3.0) + row(7, 0.0, 0.0, 0.0)),
          block(end, 2))  # fmt: skip
    model("v2_lanes_missing", preamble(late_fm, 2), block(heads, 2, late), block(end, 2))
    model("v2_rows", preamble(lr, 2), block(rows, 2, two), block(end, 2))
    model("v1_heads", preamble(lr), block(heads, 2, two), block(end, 2))
    # Each of these was accepted, or read outside its buffers, once.
    model("stored_of_another_feature", preamble(fm + b"stored.bias=0.5\n"), named,
          block(stored, 1, row(8, 1.0, 2.0, 3.0)), block(end, 1))  # fmt: skip
    model("names_overflow", preamble(b"factors=0\nnames=1\nrows=2\n"), block(rows, 2, two),
          block(names, 2**62 + 2, bytes(72)), block(end, 2))  # fmt: skip
    model("negative_n", preamble(lr), block(rows, 2, row(1, 5.0, -1.0) + row(2, 1.0, 1.0)),
          block(end, 2))  # fmt: skip
    model("v2_lanes_without_factors", preamble(lr + b"tail=1\n", 2),
          block(heads, 2, late), block(end, 2))  # fmt: skip
    model("count_beyond_integers", preamble(lr + b"seen.samples=1e300\n"), block(rows, 2, two),
          block(end, 2))  # fmt: skip


def binary(number: str, factors: int, records: list[tuple[bytes, list[float]]]) -> bytes:
    size = struct.calcsize(number)
    lanes = 3 + 3 * factors
    head = struct.pack("<7Q", 1, size, factors, len(records), len(records), 1, lanes * size)
    return head + b"".join(
        struct.pack("<H", len(name)) + name + struct.pack(f"<{lanes}{number}", *numbers)
        for name, numbers in records
    )


def alphafm() -> None:
    def model(name: str, data: bytes, is_binary: bool = False, factors: int = -1) -> None:
        save("fuzz_alphafm", name, bytes([(factors + 1) << 1 | is_binary]) + data)

    lr = b"bias -0.28525 324.532 109.001\na 0.5 1 -2\nI5=178 0 0.25 1e-05\n"
    fm = b"bias 0 1 2\nx 0 0.25 -0.5 0.5 -0.125 0.001 2 0.75 -3\ny 0 0.1 0 0 0 0 0 0 0\n"
    model("lr_text", lr)
    model("lr_text_of_0_factors", lr, factors=0)
    model("fm_text", fm)
    model("fm_text_of_2_factors", fm, factors=2)
    model("bias_only", b"bias 1 2 3\n", factors=4)
    model("cut_text", fm[:-3])
    model("twice", lr + b"a 1 1 1\n")
    model("not_finite", b"bias 0 0 0\na nan inf 1e400\n")
    records = [(b"bias", [0.5, 1.0, -2.0]), (b"a", [0.0, 1.0, 2.0])]
    model("lr_double", binary("d", 0, records), is_binary=True)
    model("lr_float", binary("f", 0, records), is_binary=True)
    wide = [(name, [*numbers, 0.1, 1.0, 2.0]) for name, numbers in records]
    model("fm_double", binary("d", 1, wide), is_binary=True)
    model("cut_binary", binary("f", 1, wide)[:-5], is_binary=True)
    # Was accepted once: a float holds no such weight.
    model("weight_beyond_floats", b"bias 0 0 0\na 1e39 1 0\n")


def cache_head(kind: int, items: int, payload: bytes, raw_bytes: int | None = None) -> bytes:
    raw = len(payload) if raw_bytes is None else raw_bytes
    return struct.pack("<IIQQQII", kind, 0, len(payload), raw, items, 0, 0) + payload


def cache_front(
    samples: int,
    features: int,
    distinct: int,
    flags: int = 0,
    each: int = 0,
    sizes: tuple[int, int, int] = (0, 0, 0),  # keys, names, source
    line: int = 1,
) -> bytes:
    return struct.pack("<8IQ", flags, samples, features, distinct, each, *sizes, line)


def cache_file() -> None:
    def header(codec: bytes = b"none", names: bytes = b"0", version: int = 1) -> bytes:
        text = b"hash_seed=0\nnames=" + names + b"\ncodec=" + codec + b"\n"
        return b"\x89FMCAC\n\x1a" + struct.pack("<II", version, len(text)) + text + bytes(4)

    def end(blocks: int, samples: int, comment: bytes = b"") -> bytes:
        return cache_head(2, samples, struct.pack("<Q", blocks) + comment)

    def cache(name: str, *parts: bytes, first: int = 1) -> None:
        save("fuzz_cache_file", name, bytes([first]) + b"".join(parts))

    label, weight, step, count, value, key, named = (1 << bit for bit in range(7))
    ids = struct.pack("<2Q", 7, 9)
    plain = (
        cache_front(3, 6, 2, each=2, sizes=(0, 0, 1)) + ids + bytes([0, 1, 0, 1, 1, 1, 5]) + b"s"
    )
    rich = (
        cache_front(2, 3, 2, label | weight | step | count | value | key | named, 0, (3, 3, 1))
        + ids
        + struct.pack("<2f2f2I2I3f2I2I", 0.5, 1, 2, 0, 0, 4, 2, 1, 1, -2, 0.5, 0, 3, 1, 2)
        + bytes([0, 1, 1])
        + b"keynams"
    )
    cache("plain", header(), cache_head(1, 3, plain), end(1, 3, b"# a comment"))
    cache("rich", header(names=b"1"), cache_head(1, 2, rich), end(1, 2))
    cache("by_threes", header(), cache_head(1, 3, plain), end(1, 3), first=3)
    cache("two_files", header(), end(0, 0), header(), cache_head(1, 3, plain), end(1, 3))
    cache("lz4_junk", header(b"lz4"), cache_head(1, 1, b"\x1f\0\1\0\xff\x50\0\0\0\0\0", 300))
    cache("zstd_junk", header(b"zstd"), cache_head(1, 1, b"\x28\xb5\x2f\xfd\0\0", 300), end(1, 1))
    cache("cut", header(), cache_head(1, 3, plain)[:-4])
    cache("unfixed_checksums", header(), cache_head(1, 3, plain), end(1, 3), first=0)
    cache("of_the_future", header(version=2), end(0, 0))
    cache("place_outside", header(), cache_head(1, 3, plain.replace(b"\1\1\1\5", b"\1\1\2\5")))
    cache("features_overflow", header(), cache_head(1, 2**31, cache_front(2**31, 0, 0, each=2)))
    cache("text", b"1 a b:2\n0 c\n")


if __name__ == "__main__":
    parser()
    json()
    delimited()
    json_rows()
    forest()
    cache_file()
    model_file()
    alphafm()
