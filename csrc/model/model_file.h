// The model file, version 4: one file, little endian, checksummed block by block.
//
//     preamble   magic (8 bytes), u32 version, u32 header_bytes
//     header     lines "name=value": every hyper-parameter, the bias, what was seen, the row count
//     u32        crc32c of preamble and header
//     blocks     head (32 bytes: u32 kind, u32 crc32c of payload, u64 payload bytes, u64 items,
//                u32 crc32c of the head before it, u32 0), payload
//       encoder  0 or 1, the first: see pack_encoding in encoding.h; items = its golden rows
//       heads    items heads: u64 id, f32 z and n of w, and, where the header says tail=1,
//                u32 has_lanes (bit 30) or a count, u32 stamp; then, for each head that has lanes,
//                factors pairs f32 z, n
//       names    of the block of rows before it: items u32 sizes, then the bytes
//       stored   items rows of stored weights: u64 id, (1 + factors) floats (model::stored_weights)
//       end      items = all rows of the table; nothing follows
//
// Version 3 is the same, but the features of its golden rows stand in the schema's order whatever
// their side (encode/sides.h), and are compared as sets. Version 2 had no encoder. Version 1 had
// blocks of rows instead of heads: u64 id, z and n of w, z of all lanes, n of all lanes. A file
// that is cut, flipped, foreign or newer gives a status that says which; nothing of it is used. Nor
// is a model whose golden rows become something else here. Old versions are read forever:
// tests/golden keeps one file of each.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "base/status.h"
#include "model/model.h"

namespace fmtrain {

constexpr uint32_t model_file_version = 4;

status write_model(const model& m, byte_sink& sink);
// `name` is what messages call the source.
status read_model(byte_source& source, const std::string& name, std::unique_ptr<model>* out);

status save_model(const model& m, const std::string& path);
status load_model(const std::string& path, std::unique_ptr<model>* out);

}  // namespace fmtrain
