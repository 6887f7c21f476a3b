#include "feature/cache_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/file.h"

namespace fmtrain {
namespace {

// A buffer starts with this much and grows as bytes come: a head may claim what does not follow.
constexpr size_t first_room = size_t{1} << 20;
// What is skipped from a pipe is read in pieces of this size.
constexpr size_t skip_room = size_t{64} << 10;
constexpr size_t comment_bytes_max = 4096;
constexpr size_t free_max = 64;

// Passes over bytes of a file without reading them.
bool skip_in_file(int fd, size_t size) {
  struct stat found;
  if (::fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return false;
  return ::lseek(fd, static_cast<off_t>(size), SEEK_CUR) >= 0;
}

}  // namespace

void cache_reader::begin(std::string name, const cache_terms& terms) {
  name_ = std::make_shared<const std::string>(std::move(name));
  terms_ = terms;
  want(state::sniffing, sizeof cache_magic);
}

status cache_reader::damaged(const std::string& what) const {
  return {errc::input, *name_ + ": damaged cache: " + what};
}

void cache_reader::want(state next, size_t bytes) {
  state_ = next;
  wanted_ = bytes;
  have_ = 0;
  // What was sniffed is the start of the preamble.
  if (next == state::preamble) {
    have_ = sizeof cache_magic;
    front_.resize(bytes);
  } else if (next == state::skipped) {
    front_.resize(skip_room);
  } else if (next != state::payload && next != state::text) {
    front_.resize(bytes);
  }
}

char* cache_reader::room(size_t* size) {
  *size = wanted_ - have_;
  if (state_ == state::skipped) {
    *size = std::min(*size, skip_room);
    return front_.data();
  }
  if (state_ != state::payload) return front_.data() + have_;
  if (have_ == open_.capacity) {
    const size_t larger = std::min(wanted_, std::max(first_room, 2 * have_));
    std::unique_ptr<char[]> moved(new char[larger]);
    if (have_ > 0) std::memcpy(moved.get(), open_.payload.get(), have_);
    open_.payload = std::move(moved);
    open_.capacity = larger;
  }
  *size = std::min(*size, open_.capacity - have_);
  return open_.payload.get() + have_;
}

status cache_reader::read(int fd, size_t* got) {
  if (state_ == state::skipped && skip_in_file(fd, wanted_ - have_)) {
    *got = wanted_ - have_;
    return accept(*got);
  }
  size_t size = 0;
  char* const at = room(&size);
  FMTRAIN_TRY(read_some(fd, at, size, *name_, got));
  return accept(*got);
}

status cache_reader::append(const char* data, size_t size, size_t* taken) {
  size_t fits = 0;
  char* const at = room(&fits);
  *taken = std::min(size, fits);
  std::memcpy(at, data, *taken);
  return accept(*taken);
}

status cache_reader::accept(size_t size) {
  have_ += size;
  bytes_ += size;
  if (state_ == state::sniffing && std::memcmp(front_.data(), cache_magic, have_) != 0) {
    bytes_ -= have_;  // they are counted where they go
    front_.resize(have_);
    state_ = state::text;
    if (terms_.shards == 1) return {};
    return {errc::invalid,
            *name_ + ": only packed samples can be read by shards: run " + "`fmtrain pack` first"};
  }
  // A part may be empty: a header or a payload of no bytes.
  while (have_ == wanted_) FMTRAIN_TRY(step());
  return {};
}

status cache_reader::step() {
  switch (state_) {
    case state::sniffing: want(state::preamble, sizeof(cache_preamble)); return {};
    case state::preamble: return take_preamble();
    case state::header: return take_header();
    case state::head: return take_head();
    case state::payload: return take_payload();
    case state::skipped: want(state::head, sizeof(cache_head)); return {};
    case state::between:
      if (std::memcmp(front_.data(), cache_magic, sizeof cache_magic) != 0) {
        return damaged("there are bytes behind its end");
      }
      want(state::preamble, sizeof(cache_preamble));
      return {};
    case state::text: break;
  }
  return {};
}

status cache_reader::take_preamble() {
  cache_preamble front{};
  std::memcpy(&front, front_.data(), sizeof front);
  if (front.version > cache_version) {
    return {errc::input, *name_ + ": written by a newer fmtrain: cache format version " +
                             std::to_string(front.version) + ", this one reads up to " +
                             std::to_string(cache_version)};
  }
  if (front.version == 0 || front.header_bytes > cache_header_bytes_max) {
    return damaged("its header makes no sense");
  }
  // The preamble stays: the checksum is that of both.
  state_ = state::header;
  wanted_ = sizeof front + front.header_bytes + sizeof(uint32_t);
  front_.resize(wanted_);
  return {};
}

status cache_reader::take_header() {
  const size_t size = wanted_ - sizeof(uint32_t);
  uint32_t stored_crc = 0;
  std::memcpy(&stored_crc, front_.data() + size, sizeof stored_crc);
  if (crc32c(0, front_.data(), size) != stored_crc) {
    return damaged("the checksum of the header does not match");
  }
  cache_header header;
  const size_t text_at = sizeof(cache_preamble);
  if (!parse_cache_header(front_.substr(text_at, size - text_at), &header)) {
    return damaged("its header makes no sense");
  }
  if (header.hash_seed != terms_.hash_seed) {
    return {errc::invalid, *name_ + ": packed with hash_seed " + std::to_string(header.hash_seed) +
                               ", but hash_seed " + std::to_string(terms_.hash_seed) +
                               " is wanted: pack the samples again with that seed, or train a "
                               "model with this one"};
  }
  if (terms_.names && !header.names) {
    return {errc::invalid, *name_ +
                               ": packed without names, but names are to be kept: pack the "
                               "samples again with --names"};
  }
  header_ = std::make_shared<const cache_header>(header);
  blocks_ = samples_ = 0;
  want(state::head, sizeof(cache_head));
  return {};
}

status cache_reader::take_head() {
  cache_head head{};
  std::memcpy(&head, front_.data(), sizeof head);
  if (head.head_crc != crc_of_head(head) || head.zero != 0) {
    return damaged("the checksum of a block's head does not match");
  }
  const bool is_end = head.kind == static_cast<uint32_t>(cache_kind::end);
  if (!is_end && head.kind != static_cast<uint32_t>(cache_kind::samples)) {
    return damaged("it has a block of unknown kind");
  }
  if (head.payload_bytes > head.raw_bytes || head.raw_bytes > cache_raw_bytes_max ||
      (is_end && head.payload_bytes > sizeof(uint64_t) + comment_bytes_max)) {
    return damaged("a block's size makes no sense");
  }
  const bool wanted = is_end || count_++ % terms_.shards == terms_.shard;
  if (!is_end) {
    ++blocks_;
    samples_ += head.items;
  }
  open_ = {};
  if (wanted) {
    const std::lock_guard<std::mutex> hold(lock_);
    if (!free_.empty()) {
      open_ = std::move(free_.back());
      free_.pop_back();
    }
  }
  open_.header = header_;
  open_.file = name_;
  open_.head = head;
  want(wanted ? state::payload : state::skipped, head.payload_bytes);
  return {};
}

status cache_reader::take_payload() {
  if (open_.head.kind == static_cast<uint32_t>(cache_kind::end)) return take_end();
  ready_.push_back(std::move(open_));
  want(state::head, sizeof(cache_head));
  return {};
}

status cache_reader::take_end() {
  const std::string payload(open_.payload.get(), wanted_);
  if (crc32c(0, payload.data(), payload.size()) != open_.head.payload_crc) {
    return damaged("the checksum of its end does not match");
  }
  uint64_t blocks = 0;
  std::memcpy(&blocks, payload.data(), std::min(payload.size(), sizeof blocks));
  if (payload.size() < sizeof blocks || blocks != blocks_ || open_.head.items != samples_) {
    return damaged("blocks are missing, or there are too many");
  }
  if (comment_.empty()) comment_ = payload.substr(sizeof blocks);
  want(state::between, sizeof cache_magic);
  return {};
}

status cache_reader::end() {
  switch (state_) {
    case state::text: return {};
    // No byte came: an empty text.
    case state::sniffing:
      if (have_ == 0) return {};
      return damaged("it ends inside the header");
    case state::between:
      if (have_ == 0) return {};
      return damaged("there are bytes behind its end");
    case state::preamble:
    case state::header: return damaged("it ends inside the header");
    default: return damaged("it was cut: it ends before its end block");
  }
}

bool cache_reader::next(cache_block* out) {
  if (ready_.empty()) return false;
  *out = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

void cache_reader::give(cache_block&& used) {
  if (used.capacity > 4 * first_room) return;
  used.header.reset();
  used.file.reset();
  const std::lock_guard<std::mutex> hold(lock_);
  if (free_.size() < free_max) free_.push_back(std::move(used));
}

}  // namespace fmtrain
