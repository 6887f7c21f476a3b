#include "base/codec.h"

#include <dlfcn.h>

#include <climits>
#include <initializer_list>

namespace fmtrain {
namespace {

// Prototypes of both libraries' stable interfaces (lz4.h since 1.7, zstd.h since 1.0).
struct lz4_library {
  int (*bound)(int);
  int (*compress)(const char*, char*, int, int);
  int (*decompress)(const char*, char*, int, int);
  bool open = false;
};

struct zstd_library {
  size_t (*bound)(size_t);
  size_t (*compress)(void*, size_t, const void*, size_t, int);
  size_t (*decompress)(void*, size_t, const void*, size_t);
  unsigned (*is_error)(size_t);
  bool open = false;
};

constexpr int zstd_level = 1;

template <class Function>
bool find(void* library, const char* name, Function*& out) {
  out = reinterpret_cast<Function*>(::dlsym(library, name));
  return out != nullptr;
}

// Opened once and never closed.
const lz4_library& lz4() {
  static const lz4_library found = [] {
    lz4_library l{};
    void* const library = ::dlopen("liblz4.so.1", RTLD_NOW | RTLD_LOCAL);
    l.open = library != nullptr && find(library, "LZ4_compressBound", l.bound) &&
             find(library, "LZ4_compress_default", l.compress) &&
             find(library, "LZ4_decompress_safe", l.decompress);
    return l;
  }();
  return found;
}

const zstd_library& zstd() {
  static const zstd_library found = [] {
    zstd_library l{};
    void* const library = ::dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    l.open = library != nullptr && find(library, "ZSTD_compressBound", l.bound) &&
             find(library, "ZSTD_compress", l.compress) &&
             find(library, "ZSTD_decompress", l.decompress) &&
             find(library, "ZSTD_isError", l.is_error);
    return l;
  }();
  return found;
}

status missing(codec c, const char* library, const char* packages) {
  return {errc::invalid, std::string(codec_name(c)) + " needs " + library +
                             ", which this system lacks: install " + packages};
}

}  // namespace

const char* codec_name(codec c) {
  switch (c) {
    case codec::lz4: return "lz4";
    case codec::zstd: return "zstd";
    case codec::none: break;
  }
  return "none";
}

bool find_codec(std::string_view name, codec* out) {
  for (const codec c : {codec::none, codec::lz4, codec::zstd}) {
    *out = c;
    if (name == codec_name(c)) return true;
  }
  return false;
}

status open_codec(codec c) {
  if (c == codec::lz4 && !lz4().open) {
    return missing(c, "liblz4.so.1", "liblz4-1 (Debian, Ubuntu) or lz4-libs (Fedora)");
  }
  if (c == codec::zstd && !zstd().open) {
    return missing(c, "libzstd.so.1", "libzstd1 (Debian, Ubuntu) or libzstd (Fedora)");
  }
  return {};
}

void compress(codec c, std::string_view data, std::string* out) {
  size_t size = 0;  // 0: not compressed
  if (c == codec::lz4 && data.size() <= INT_MAX / 2) {
    out->resize(static_cast<size_t>(lz4().bound(static_cast<int>(data.size()))));
    size = static_cast<size_t>(lz4().compress(
        data.data(), out->data(), static_cast<int>(data.size()), static_cast<int>(out->size())));
  } else if (c == codec::zstd) {
    out->resize(zstd().bound(data.size()));
    size = zstd().compress(out->data(), out->size(), data.data(), data.size(), zstd_level);
    if (zstd().is_error(size) != 0) size = 0;
  }
  if (size == 0 || size >= data.size()) {
    out->assign(data);
  } else {
    out->resize(size);
  }
}

bool decompress(codec c, std::string_view data, char* out, size_t size) {
  if (c == codec::lz4) {
    if (data.size() > INT_MAX || size > INT_MAX) return false;
    return lz4().decompress(data.data(), out, static_cast<int>(data.size()),
                            static_cast<int>(size)) == static_cast<int>(size);
  }
  return c == codec::zstd && zstd().decompress(out, size, data.data(), data.size()) == size;
}

}  // namespace fmtrain
