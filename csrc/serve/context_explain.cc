// What a context does for people and tests: one sample of text, and why an item scores as it does.

#include <algorithm>
#include <memory>

#include "feature/parser.h"
#include "serve/context.h"

namespace fmtrain {

status context::score_text(std::string_view line, float* score) {
  FMTRAIN_TRY(hold());
  text_.assign(line.begin(), line.end());
  text_.push_back('\n');
  text_.resize(text_.size() + padding_bytes);
  encoded_.clear();
  encoded_.text = text_.data();
  parse_options how;
  how.hash_seed = file().meta().hash_seed;
  const char* const last = text_.data() + line.size();
  const parse_result got = parse_line(text_.data(), last, how, 1, encoded_);
  if (got.kind == line_kind::sample) {
    items_[0] = item();
    items_[0].own = {encoded_.id.data(), encoded_.x.data(), encoded_.features};
    cache_ = nullptr;
    add_items(1);
    uint8_t state = FMS_ITEM_OK;
    put_out(items_[0], *sums_[0], score, &state);
  }
  end();
  if (got.kind == line_kind::sample) return {};
  if (!is_bad(got.kind)) return {errc::invalid, "the line has no sample"};
  return {errc::invalid,
          "column " + std::to_string(got.where - text_.data() + 1) + ": " + reason_text(got.kind)};
}

status context::explain(const fms_rows& rows, explanation* out) {
  FMTRAIN_TRY(check_items(rows));
  if (rows.rows != 1) {
    return {errc::invalid, "item: one row is expected, not " + std::to_string(rows.rows)};
  }
  cache_ = nullptr;
  take_items(rows, 0, 1);
  if (items_[0].bad) return {errc::invalid, bad_row_};
  add_items(1);
  out->bias = file().meta().bias;
  out->score = out->bias + sums_[0]->total(factors());

  std::vector<uint64_t> ids = record_.user_id;
  std::vector<float> x = record_.user_x;
  for (const feature_span& span : {items_[0].own, items_[0].rest}) span.append_to(ids, x);
  const size_t k = factors();
  std::vector<float> weights(ids.size() * (1 + k));
  std::vector<double> sum(k);
  const std::unique_ptr<bool[]> known(new bool[ids.size()]);
  for (size_t first = 0; first < ids.size(); first += lookup_max) {
    const size_t here = std::min(lookup_max, ids.size() - first);
    file().look_up(ids.data() + first, here, looked_up_, rows_, known.get() + first);
    for (size_t i = 0; i < here; ++i) {
      std::copy_n(rows_[i], 1 + k, weights.data() + (first + i) * (1 + k));
    }
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    const float* const v = weights.data() + i * (1 + k) + 1;
    for (size_t f = 0; f < k; ++f) sum[f] += static_cast<double>(v[f]) * static_cast<double>(x[i]);
  }
  out->terms.clear();
  for (size_t i = 0; i < ids.size(); ++i) {
    const float* const row = weights.data() + i * (1 + k);
    const auto xi = static_cast<double>(x[i]);
    double pairwise = 0;
    for (size_t f = 0; f < k; ++f) {
      const double own = static_cast<double>(row[1 + f]) * xi;
      pairwise += 0.5 * own * (sum[f] - own);
    }
    out->terms.push_back({ids[i], x[i], known[i], static_cast<double>(row[0]) * xi, pairwise});
  }
  return {};
}

}  // namespace fmtrain
