#include "serve/snapshots.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "feature/hash.h"

namespace fmtrain {
namespace {

bool all_are_ones(const std::vector<float>& x) {
  return std::all_of(x.begin(), x.end(), [](float v) { return v == 1; });
}

template <class T>
char* put(char* at, const std::vector<T>& values) {
  const size_t size = values.size() * sizeof(T);
  if (size > 0) std::memcpy(at, values.data(), size);
  return at + size;
}

}  // namespace

// ---- a request ----

kept_request::kept_request(std::string_view request_id, const request_record& record, int64_t now)
    : items_(record.item.size()),
      user_(record.user_id.size()),
      features_(record.id.size()),
      id_bytes_(request_id.size()),
      all_ones_(all_are_ones(record.user_x) && all_are_ones(record.x)),
      kept_at_(now) {
  const size_t numbers = 2 * items_ + 1 + user_ + features_;
  const size_t floats = all_ones_ ? 0 : user_ + features_;
  size_ = numbers * sizeof(uint64_t) + floats * sizeof(float) + id_bytes_;
  piece_.reset(new char[size_]);
  char* at = piece_.get();
  for (const auto* part : {&record.item, &record.begin, &record.user_id, &record.id}) {
    at = put(at, *part);
  }
  if (!all_ones_) at = put(put(at, record.user_x), record.x);
  std::copy(request_id.begin(), request_id.end(), at);
}

std::string_view kept_request::request_id() const {
  return {piece_.get() + (size_ - id_bytes_), id_bytes_};
}

size_t kept_request::for_each(const uint64_t* shown, const float* labels, size_t count,
                              const visitor& visit) const {
  std::unordered_map<uint64_t, size_t> place;
  for (size_t i = 0; i < items_; ++i) place[items()[i]] = i;
  // The user's features stay in front, each item's go behind them.
  std::vector<uint64_t> id(user_ids(), user_ids() + user_);
  std::vector<float> x(user_, 1.0f);
  if (!all_ones_) x.assign(user_xs(), user_xs() + user_);
  size_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto at = place.find(shown[i]);
    if (at == place.end()) continue;
    const uint64_t begin = begins()[at->second], end = begins()[at->second + 1];
    id.resize(user_);
    x.resize(user_);
    id.insert(id.end(), ids() + begin, ids() + end);
    if (all_ones_) {
      x.resize(id.size(), 1.0f);
    } else {
      x.insert(x.end(), xs() + begin, xs() + end);
    }
    ++found;
    const float label = labels == nullptr ? 0.0f : labels[i];
    if (!visit({shown[i], label, id.size(), id.data(), x.data()})) break;
  }
  return found;
}

// ---- the store ----

snapshots::snapshots(size_t max_bytes, int64_t max_age)
    : max_bytes_(max_bytes),
      max_age_(max_age),
      parts_(std::clamp(max_bytes / part_bytes_min, size_t{1}, parts_max)),
      part_bytes_(max_bytes / parts_.size()) {}

snapshots::part& snapshots::part_of(std::string_view request_id) {
  return parts_[hash_name(request_id.data(), request_id.size(), 0) % parts_.size()];
}

void snapshots::remove(part& from, requests::iterator what, requests* gone) {
  from.stats.bytes -= what->bytes();
  --from.stats.requests;
  from.by_id.erase(what->request_id());
  gone->splice(gone->end(), from.order, what);
}

void snapshots::expire(part& from, int64_t now, requests* gone) const {
  while (!from.order.empty() && is_old(from.order.front(), now)) {
    remove(from, from.order.begin(), gone);
    ++from.stats.expired;
  }
}

status snapshots::keep(std::string_view request_id, const request_record& record, int64_t now) {
  requests fresh;
  fresh.emplace_back(request_id, record, now);
  const size_t bytes = fresh.front().bytes();
  if (bytes > part_bytes_) {
    return {errc::invalid, "the request takes " + std::to_string(bytes) + " bytes, more than " +
                               std::to_string(part_bytes_) + ", which is what snapshots of " +
                               std::to_string(max_bytes_) + " bytes have for one: raise max_bytes"};
  }
  part& to = part_of(request_id);
  requests gone;  // before the lock: what it holds is freed behind it
  const std::lock_guard<std::mutex> hold(to.lock);
  expire(to, now, &gone);
  const auto old = to.by_id.find(request_id);
  if (old != to.by_id.end()) remove(to, old->second, &gone);
  while (to.stats.bytes + bytes > part_bytes_) {
    remove(to, to.order.begin(), &gone);
    ++to.stats.evicted;
  }
  to.by_id.emplace(fresh.front().request_id(), fresh.begin());
  to.order.splice(to.order.end(), fresh);
  to.stats.bytes += bytes;
  ++to.stats.requests;
  ++to.stats.kept;
  return {};
}

bool snapshots::take(std::string_view request_id, int64_t now, kept_request* out) {
  part& from = part_of(request_id);
  requests gone, taken;
  {
    const std::lock_guard<std::mutex> hold(from.lock);
    expire(from, now, &gone);
    const auto found = from.by_id.find(request_id);
    if (found == from.by_id.end()) return false;
    const bool old = is_old(*found->second, now);
    remove(from, found->second, &taken);
    ++(old ? from.stats.expired : from.stats.taken);
    if (old) return false;
  }
  *out = std::move(taken.front());
  return true;
}

snapshot_stats snapshots::stats(int64_t now) {
  snapshot_stats sum;
  requests gone;
  for (part& p : parts_) {
    const std::lock_guard<std::mutex> hold(p.lock);
    expire(p, now, &gone);
    sum.requests += p.stats.requests;
    sum.bytes += p.stats.bytes;
    sum.kept += p.stats.kept;
    sum.taken += p.stats.taken;
    sum.expired += p.stats.expired;
    sum.evicted += p.stats.evicted;
  }
  return sum;
}

}  // namespace fmtrain
