// Fast compression of blocks: lz4 or zstd, as the system has them. Their shared libraries are
// opened when they are first needed, so that building needs no headers of theirs; every Linux
// carries both, and a file that needs one that is missing says which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace fmtrain {

enum class codec : uint8_t { none, lz4, zstd };

const char* codec_name(codec c);
// False where there is no codec of this name.
bool find_codec(std::string_view name, codec* out);

// Opens the codec's library: a status that names it and what to install where it is missing.
status open_codec(codec c);

// The codec is open. Replaces *out; what would not get smaller is stored as it is: then, and only
// then, *out is as long as the data.
void compress(codec c, std::string_view data, std::string* out);

// The codec is open. False unless the data unpack to exactly `size` bytes; never writes beyond
// them.
bool decompress(codec c, std::string_view data, char* out, size_t size);

}  // namespace fmtrain
