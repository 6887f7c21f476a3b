#include "serve/frozen.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "base/arena.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/md5.h"
#include "model/learner.h"
#include "model/model_format.h"
#include "serve/row_pack.h"

namespace fmtrain {

using namespace serving_format;

// ---- the bytes ----

frozen::memory::~memory() {
  if (kind_ == kind::mapped) ::munmap(const_cast<char*>(data_), size_);
  if (kind_ == kind::pages) free_pages(const_cast<char*>(data_), size_);
}

void frozen::memory::borrow(const void* bytes, size_t size) {
  data_ = static_cast<const char*>(bytes);
  size_ = size;
}

status frozen::memory::map(int fd, size_t size, const std::string& name) {
  if (size == 0) return {};  // cannot be mapped, and is refused for what it is
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return errno_status(name, "map", errno);
  data_ = static_cast<const char*>(at);
  size_ = size;
  kind_ = kind::mapped;
  return {};
}

status frozen::memory::copy(int fd, size_t size, const std::string& name) {
  char* const pages = allocate_pages(size);
  data_ = pages;
  size_ = size;
  kind_ = kind::pages;
  for (size_t at = 0; at < size;) {
    size_t got = 0;
    FMTRAIN_TRY(read_some(fd, pages + at, size - at, name, &got));
    if (got == 0) return {errc::io, name + ": it became shorter while it was read"};
    at += got;
  }
  return {};
}

void frozen::memory::copy(const void* bytes, size_t size) {
  char* const pages = allocate_pages(size);
  if (size > 0) std::memcpy(pages, bytes, size);
  data_ = pages;
  size_ = size;
  kind_ = kind::pages;
}

// ---- the file ----

status frozen::damaged(const std::string& what) const {
  return {errc::format, name_ + ": damaged serving file: " + what};
}

// What is checked when a file is opened: all but the large sections' insides.
class frozen_reader {
 public:
  explicit frozen_reader(frozen& into) : m_(into) {}

  status read() {
    FMTRAIN_TRY(read_front());
    FMTRAIN_TRY(read_table());
    FMTRAIN_TRY(read_meta());
    FMTRAIN_TRY(read_encoder());
    FMTRAIN_TRY(read_curve());
    return place_rows();
  }

 private:
  std::string_view bytes() const { return {m_.memory_.data(), m_.memory_.size()}; }

  status read_front() {
    const std::string_view start = bytes().substr(0, sizeof serving_magic);
    if (start == std::string_view(model_format::magic, sizeof model_format::magic)) {
      return {errc::format, m_.name_ +
                                ": it is a trained model, not a serving file: make one of "
                                "it (fmtrain export MODEL --to serving --out FILE)"};
    }
    if (start.empty() || start != std::string_view(serving_magic, start.size())) {
      return {errc::format,
              m_.name_ + ": not an fmtrain serving file" + (start.empty() ? " (it is empty)" : "")};
    }
    if (bytes().size() < sizeof front_) return m_.damaged("it ends inside its front");
    std::memcpy(&front_, bytes().data(), sizeof front_);
    // First: what a newer version has behind it is not known here.
    if (front_.version > serving_file_version) {
      return {errc::version, m_.name_ + ": written by a newer fmtrain: serving format version " +
                                 std::to_string(front_.version) + ", this one reads up to " +
                                 std::to_string(serving_file_version)};
    }
    if (crc32c(0, &front_, offsetof(front, front_crc)) != front_.front_crc) {
      return m_.damaged("the checksum of its front does not match");
    }
    for (const uint8_t zero : front_.zero) {
      if (zero != 0) return m_.damaged("its front does not end with zeros");
    }
    if (front_.version == 0) return m_.damaged("it has no version");
    if (front_.file_bytes != bytes().size()) {
      return m_.damaged("it has " + std::to_string(bytes().size()) + " bytes and should have " +
                        std::to_string(front_.file_bytes));
    }
    return {};
  }

  // Sections stand in the order of their kinds, each at the first place that it may have, the last
  // at the end of the file. So nothing can overlap, or be read that is not there.
  status read_table() {
    const uint64_t table_bytes = uint64_t{front_.sections} * sizeof(section);
    if (table_bytes > bytes().size() - sizeof front_) return m_.damaged("its table is cut");
    const char* const table = bytes().data() + sizeof front_;
    if (crc32c(0, table, table_bytes) != front_.table_crc) {
      return m_.damaged("the checksum of its table does not match");
    }
    m_.sections_.resize(front_.sections);
    if (table_bytes > 0) std::memcpy(m_.sections_.data(), table, table_bytes);
    uint64_t end = sizeof front_ + table_bytes;
    uint32_t kind = 0;
    for (const section& s : m_.sections_) {
      const uint64_t offset = (end + alignment - 1) / alignment * alignment;
      if (s.kind <= kind || s.kind > static_cast<uint32_t>(section_kind::weights)) {
        return m_.damaged("its table has sections of unknown kind, or in disorder");
      }
      if (s.offset != offset || offset > bytes().size() || s.bytes > bytes().size() - offset) {
        return m_.damaged("a section is not where it should be");
      }
      kind = s.kind;
      end = offset + s.bytes;
    }
    return end == bytes().size() ? status() : m_.damaged("there are bytes behind its end");
  }

  const section* find(section_kind kind) const {
    for (const section& s : m_.sections_) {
      if (s.kind == static_cast<uint32_t>(kind)) return &s;
    }
    return nullptr;
  }

  // Of a small section, whose checksum is checked here.
  status take(section_kind kind, const char* what, std::string_view* out) const {
    const section* const s = find(kind);
    if (s == nullptr) return {};
    *out = bytes().substr(s->offset, s->bytes);
    if (crc32c(0, out->data(), out->size()) == s->crc) return {};
    return m_.damaged("the checksum of its " + std::string(what) + " does not match");
  }

  status read_meta() {
    std::string_view text;
    FMTRAIN_TRY(take(section_kind::meta, "meta section", &text));
    const status parsed = parse_meta(text, &m_.meta_);
    if (!parsed.ok()) return m_.damaged(parsed.message());
    return {};
  }

  status read_encoder() {
    std::string_view payload;
    FMTRAIN_TRY(take(section_kind::encoder, "encoder", &payload));
    const status unpacked =
        unpack_encoding(std::string(payload), m_.meta_.hash_seed, &m_.encoded_, &m_.golden_);
    return unpacked.ok() ? status() : m_.damaged(unpacked.message());
  }

  status read_curve() {
    std::string_view raw;
    FMTRAIN_TRY(take(section_kind::curve, "calibration curve", &raw));
    if (raw.size() % sizeof(curve_point) != 0) return m_.damaged("its calibration curve is cut");
    std::vector<curve_point> curve(raw.size() / sizeof(curve_point));
    if (!raw.empty()) std::memcpy(curve.data(), raw.data(), raw.size());
    const status checked = calibration::check(m_.meta_.down_sampling_rate, curve);
    if (!checked.ok()) return m_.damaged(checked.message());
    m_.calibration_ = calibration(m_.meta_.link, m_.meta_.down_sampling_rate, std::move(curve));
    return {};
  }

  status place_rows() {
    const section* const index = find(section_kind::index);
    const section* const ids = find(section_kind::ids);
    const section* const weights = find(section_kind::weights);
    if (index == nullptr || ids == nullptr || weights == nullptr) {
      return m_.damaged("it has no index, ids or weights");
    }
    if (index->bytes != index_bytes(m_.meta_) || ids->bytes != ids_bytes(m_.meta_) ||
        weights->bytes != weights_bytes(m_.meta_)) {
      return m_.damaged("its rows do not have the bytes that their number takes");
    }
    m_.index_ = reinterpret_cast<const uint32_t*>(bytes().data() + index->offset);
    m_.ids_ = reinterpret_cast<const uint64_t*>(bytes().data() + ids->offset);
    m_.weights_ = bytes().data() + weights->offset;
    return {};
  }

  frozen& m_;
  front front_{};
};

namespace {

struct descriptor {
  int fd;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// Memory that cannot be had is the one thing that is thrown below.
template <class Open>
status guarded(const std::string& name, const Open& open) {
  try {
    return open();
  } catch (const std::bad_alloc&) {
    return {errc::memory, name + ": there is not enough memory to open it"};
  }
}

}  // namespace

frozen::~frozen() = default;

status frozen::open(const std::string& path, residence how, std::unique_ptr<frozen>* out) {
  return guarded(path, [&]() -> status {
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return errno_status(path, "read", errno);
    struct stat now;
    if (::fstat(file.fd, &now) != 0) return errno_status(path, "read", errno);
    if (S_ISDIR(now.st_mode)) return errno_status(path, "read", EISDIR);
    if (!S_ISREG(now.st_mode)) return {errc::io, path + ": cannot read: it is not a regular file"};
    std::unique_ptr<frozen> m(new frozen(path));
    const auto size = static_cast<size_t>(now.st_size);
    FMTRAIN_TRY(how == residence::mapped ? m->memory_.map(file.fd, size, path)
                                         : m->memory_.copy(file.fd, size, path));
    FMTRAIN_TRY(frozen_reader(*m).read());
    *out = std::move(m);
    return {};
  });
}

status frozen::open_memory(const void* bytes, size_t size, residence how, const std::string& name,
                           std::unique_ptr<frozen>* out) {
  return guarded(name, [&]() -> status {
    if (how == residence::mapped && reinterpret_cast<size_t>(bytes) % 64 != 0) {
      return {errc::invalid, name + ": bytes that are used in place must be aligned to 64"};
    }
    std::unique_ptr<frozen> m(new frozen(name));
    if (how == residence::mapped) {
      m->memory_.borrow(bytes, size);
    } else {
      m->memory_.copy(bytes, size);
    }
    FMTRAIN_TRY(frozen_reader(*m).read());
    *out = std::move(m);
    return {};
  });
}

status frozen::check_md5(std::string_view expected) const {
  md5 sum;
  sum.add(memory_.data(), memory_.size());
  const std::string is = sum.hex();
  std::string lower(expected);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (is == lower) return {};
  return {errc::checksum, name_ + ": its md5 is " + is + ", not " + lower +
                              ": it is another file than the one expected, or it is damaged"};
}

}  // namespace fmtrain
