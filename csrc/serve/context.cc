#include "serve/context.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/clock.h"
#include "serve/rows_check.h"

namespace fmtrain {
namespace {

feature_span span_of(const uint64_t* ptr, const uint64_t* ids, const float* x, uint64_t row) {
  if (ptr == nullptr || ptr[row] == ptr[row + 1]) return {};
  return {ids + ptr[row], x == nullptr ? nullptr : x + ptr[row], ptr[row + 1] - ptr[row]};
}

feature_span span_of(const batch& in) { return {in.id.data(), in.x.data(), in.features}; }

}  // namespace

status context::hold() {
  if (in_request()) {
    return {errc::state, "the context is in a request: call fms_request_end first"};
  }
  const publication* const now = reader_.hold();
  if (now == nullptr) {
    if (slot_->closed()) return {errc::state, "the slot was destroyed"};
    return {errc::no_model, "no model was published in the slot yet"};
  }
  held_ = now;
  const size_t k = factors();
  user_.reserve(k);
  user_.clear(k);
  for (score_sums& sums : sums_) sums.reserve(k);
  looked_up_.fit(k);
  record_.clear();
  whole_rows_ = true;
  return {};
}

status context::begin(const fms_rows* user) {
  FMTRAIN_TRY(hold());
  count(tally::requests, 1);
  status taken;
  if (user != nullptr) {
    taken = take_user(*user);
    if (taken.ok()) taken = add_user();
  }
  if (!taken.ok()) end();
  return taken;
}

void context::end() {
  count_out();
  held_ = nullptr;
  reader_.release();
}

void context::count_out() {
  for (size_t i = 0; i < tallies; ++i) {
    if (counts_[i] != 0) reader_.count(static_cast<tally>(i), counts_[i]);
    counts_[i] = 0;
  }
}

// The encoder of the model in hand, ready for raw rows.
status context::prepare_raw() {
  if (file().plan() == nullptr) {
    return {errc::invalid,
            "the model was exported without a schema: it takes feature ids (FMS_ROWS_IDS) and no "
            "raw rows"};
  }
  if (encodes_for_ != held_->number) {
    encodes_ = std::make_unique<row_features>(*file().plan());
    encodes_for_ = held_->number;
  }
  return {};
}

status context::take_user(const fms_rows& user) {
  FMTRAIN_TRY(check_rows(user, "user"));
  if (user.rows != 1) {
    return {errc::invalid, "user: one row is expected, not " + std::to_string(user.rows)};
  }
  whole_rows_ = false;
  form_ = user.form;
  if (user.form == FMS_ROWS_IDS) {
    for (const feature_span& part : {span_of(user.row_ptr, user.ids, user.x, 0),
                                     span_of(user.extra_ptr, user.extra_ids, user.extra_x, 0)}) {
      part.append_to(record_.user_id, record_.user_x);
    }
    return {};
  }
  FMTRAIN_TRY(prepare_raw());
  encoded_.clear();
  FMTRAIN_TRY(encodes_->set_user(&user, encoded_));
  span_of(encoded_).append_to(record_.user_id, record_.user_x);
  return {};
}

status context::add_user() {
  const size_t features = record_.user_id.size();
  count(tally::features, features);
  for (size_t first = 0; first < features; first += lookup_max) {
    const size_t count_here = std::min(lookup_max, features - first);
    const float* const x = record_.user_x.data() + first;
    count(tally::unknown_features,
          file().look_up(record_.user_id.data() + first, count_here, looked_up_, rows_));
    best_kernels().add_rows(rows_, x, count_here, factors(), &*user_);
  }
  for (size_t i = 0; i < features; ++i) {
    if (std::isfinite(record_.user_x[i])) continue;
    return {errc::invalid, "user: x of feature " + std::to_string(i) + " is not finite"};
  }
  return {};
}

status context::check_items(const fms_rows& items) {
  if (!in_request()) {
    return {errc::state, "the context is in no request: call fms_request_begin first"};
  }
  FMTRAIN_TRY(check_rows(items, "items"));
  if (!whole_rows_ && items.form != form_) {
    return {errc::invalid, "items: they are given in another form than the user"};
  }
  bad_row_.clear();
  cache_ = items.item_ids == nullptr ? nullptr : held_->items.get();
  if (items.form == FMS_ROWS_IDS) return {};
  FMTRAIN_TRY(prepare_raw());
  if (whole_rows_) {
    cache_ = nullptr;  // a row's features are the user's too
    encoded_.clear();
    FMTRAIN_TRY(encodes_->set_user(nullptr, encoded_));
  }
  return encodes_->begin_items(items);
}

status context::score(const fms_rows& items, int64_t deadline_ns, float* scores, uint8_t* states,
                      uint64_t* done) {
  *done = 0;
  FMTRAIN_TRY(check_items(items));
  for (uint64_t first = 0; first < items.rows; first += slice_max) {
    if (deadline_ns != 0 && now_ns() >= deadline_ns) break;
    const size_t here = std::min<uint64_t>(slice_max, items.rows - first);
    take_items(items, first, here);
    add_items(here);
    for (size_t i = 0; i < here; ++i) {
      uint8_t state = FMS_ITEM_OK;
      put_out(items_[i], *sums_[i], scores + first + i, &state);
      if (states != nullptr) states[first + i] = state;
      if (how_.record && state == FMS_ITEM_OK && items.item_ids != nullptr) keep(items_[i]);
    }
    *done += here;
  }
  const uint64_t left = items.rows - *done;
  if (states != nullptr) std::memset(states + *done, FMS_ITEM_NOT_SCORED, left);
  count(tally::cut_off, left);
  count_out();
  return {};
}

void context::take_items(const fms_rows& items, uint64_t first, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    items_[i] = item();
    if (items.item_ids != nullptr) items_[i].number = items.item_ids[first + i];
    if (items.form != FMS_ROWS_IDS) continue;
    items_[i].own = span_of(items.row_ptr, items.ids, items.x, first + i);
    items_[i].rest = span_of(items.extra_ptr, items.extra_ids, items.extra_x, first + i);
  }
  if (items.form != FMS_ROWS_IDS) encode_items(first, count);
}

void context::encode_items(uint64_t first, size_t count) {
  raw_id_.clear();
  raw_x_.clear();
  for (size_t i = 0; i < count; ++i) {
    encoded_.clear();
    uint32_t rest = 0;
    const parse_result made = encodes_->add_item(first + i, encoded_, &rest);
    items_[i].bad = made.kind != line_kind::sample;
    if (items_[i].bad) {
      if (bad_row_.empty()) bad_row_ = encodes_->why_bad(first + i, made);
      continue;
    }
    items_[i].own.count = rest;
    items_[i].rest.count = encoded_.features - rest;
    span_of(encoded_).append_to(raw_id_, raw_x_);
  }
  // Only now they stay where they are.
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    for (feature_span* const part : {&items_[i].own, &items_[i].rest}) {
      part->id = raw_id_.data() + at;
      part->x = raw_x_.data() + at;
      at += part->count;
    }
  }
}

void context::add_items(size_t count) {
  const size_t k = factors();
  if (cache_ == nullptr) {
    for (size_t i = 0; i < count; ++i) sums_[i].copy(*user_, k);
    add(&item::own, count);
  } else {
    find_cached(count);
    add(&item::own, count);
    join_user(count);
  }
  add(&item::rest, count);
}

void context::find_cached(size_t count) {
  for (size_t i = 0; i < count; ++i) cache_->prefetch_first(items_[i].number);
  for (size_t i = 0; i < count; ++i) cache_->prefetch_next(items_[i].number);
  for (size_t i = 0; i < count; ++i) {
    running_score& sums = *sums_[i];
    items_[i].cached =
        !items_[i].bad && cache_->find(items_[i].number, {&sums.linear[0], sums.sum, sums.square});
    if (!items_[i].cached) sums_[i].clear(factors());
    this->count(items_[i].cached ? tally::cache_hits : tally::cache_misses, 1);
  }
}

// The same steps for a hit and for a miss, so that the score does not tell which it was.
void context::join_user(size_t count) {
  const size_t k = factors();
  for (size_t i = 0; i < count; ++i) {
    running_score& sums = *sums_[i];
    double linear = items_[i].cached ? sums.linear[0] : linear_total(sums.linear);
    if (!items_[i].cached && !items_[i].bad && items_[i].finite) {
      cache_->put(items_[i].number, {&linear, sums.sum, sums.square});
    }
    std::memcpy(sums.linear, user_->linear, sizeof sums.linear);
    sums.linear[0] += linear;
    sums.features = user_->features;
    for (size_t f = 0; f < 2 * k; ++f) sums.sum[f] += user_->sum[f];  // squares lie behind
  }
}

// One part of the items' features on top of the sums that there are, their cache misses overlapped.
void context::add(feature_span item::* part, size_t count) {
  piece pieces[slice_max];
  size_t features = 0, made = 0;
  for (size_t i = 0; i < count; ++i) {
    const feature_span& span = items_[i].*part;
    if (items_[i].bad || (items_[i].cached && part == &item::own)) continue;
    for (uint64_t at = 0; at < span.count; ++at) {
      const float x = span.x == nullptr ? 1.0f : span.x[at];
      if (x == 0) continue;
      items_[i].finite = items_[i].finite && std::isfinite(x);
      id_[features] = span.id[at];
      x_[features] = x;
      if (++features < lookup_max) continue;
      pieces[made++] = {i, features};
      look_up(features, pieces, made);
      features = made = 0;
    }
    pieces[made++] = {i, features};
  }
  look_up(features, pieces, made);
}

void context::look_up(size_t features, const piece* pieces, size_t count) {
  if (features == 0) return;
  this->count(tally::features, features);
  this->count(tally::unknown_features, file().look_up(id_, features, looked_up_, rows_));
  size_t first = 0;
  for (const piece* p = pieces; p != pieces + count; ++p) {
    best_kernels().add_rows(rows_ + first, x_ + first, p->end - first, factors(), &*sums_[p->item]);
    first = p->end;
  }
}

void context::put_out(const item& scored, running_score& sums, float* score, uint8_t* state) {
  const serving_meta& meta = file().meta();
  auto raw = static_cast<float>(meta.bias + sums.total(factors()));
  if (scored.bad) {
    *state = FMS_ITEM_BAD;
    count(tally::bad_rows, 1);
  } else if (!scored.finite || !std::isfinite(raw)) {
    *state = FMS_ITEM_NONFINITE;
    count(tally::nonfinite, 1);
  } else {
    count(tally::scored, 1);
  }
  if (*state != FMS_ITEM_OK) raw = static_cast<float>(meta.prior);
  *score = raw;
  if (how_.prediction) {
    *score = static_cast<float>(file().calibrated().prediction(static_cast<double>(raw)));
  }
}

void context::keep(const item& scored) {
  scored.own.append_to(record_.id, record_.x);
  scored.rest.append_to(record_.id, record_.x);
  record_.item.push_back(scored.number);
  record_.begin.push_back(record_.id.size());
}

}  // namespace fmtrain
