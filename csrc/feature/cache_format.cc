#include "feature/cache_format.h"

#include <charconv>
#include <cstring>
#include <string_view>

namespace fmtrain {
namespace {

std::string raw(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

bool parse_line(std::string_view key, std::string_view value, cache_header* out) {
  if (key == "codec") return find_codec(value, &out->packing);
  if (key == "names") {
    out->names = value == "1";
    return value == "0" || value == "1";
  }
  if (key != "hash_seed") return false;
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, out->hash_seed);
  return error == std::errc() && end == last;
}

}  // namespace

std::string cache_header_bytes(const cache_header& header) {
  const std::string text = "hash_seed=" + std::to_string(header.hash_seed) +
                           "\nnames=" + (header.names ? "1" : "0") +
                           "\ncodec=" + codec_name(header.packing) + "\n";
  cache_preamble front{};
  std::memcpy(front.magic, cache_magic, sizeof cache_magic);
  front.version = cache_version;
  front.header_bytes = static_cast<uint32_t>(text.size());
  std::string bytes = raw(&front, sizeof front) + text;
  const uint32_t crc = crc32c(0, bytes.data(), bytes.size());
  return bytes + raw(&crc, sizeof crc);
}

bool parse_cache_header(const std::string& text, cache_header* out) {
  int lines = 0;
  for (size_t at = 0; at < text.size(); ++lines) {
    const size_t newline = text.find('\n', at), equals = text.find('=', at);
    if (newline == std::string::npos || equals >= newline) return false;
    const std::string_view key(text.data() + at, equals - at);
    const std::string_view value(text.data() + equals + 1, newline - equals - 1);
    if (!parse_line(key, value, out)) return false;
    at = newline + 1;
  }
  return lines == 3;
}

std::string cache_block_bytes(cache_kind kind, const std::string& payload, uint64_t raw_bytes,
                              uint64_t items) {
  cache_head head{};
  head.kind = static_cast<uint32_t>(kind);
  head.payload_crc = crc32c(0, payload.data(), payload.size());
  head.payload_bytes = payload.size();
  head.raw_bytes = raw_bytes;
  head.items = items;
  head.head_crc = crc_of_head(head);
  return raw(&head, sizeof head) + payload;
}

}  // namespace fmtrain
