#include "serve/freeze.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "feature/hash.h"
#include "model/score.h"
#include "serve/row_pack.h"
#include "serve/score_sums.h"

namespace fmtrain {

using namespace serving_format;

namespace {

constexpr size_t drawn_samples = 16, drawn_features = 40;

// Of the table that scores: the model's, or the weights that came with it from another program.
struct entry {
  uint64_t id;
  row_head* head;
};

// Measures a section before it is written: the table stands before it.
class measuring_sink : public byte_sink {
 public:
  status write(const void* data, size_t size) override {
    crc = crc32c(crc, data, size);
    bytes += size;
    return {};
  }
  uint32_t crc = 0;
  uint64_t bytes = 0;
};

uint64_t buckets_of(uint64_t features) {
  return std::max<uint64_t>(1, (features + ids_a_bucket - 1) / ids_a_bucket);
}

// What rows take in the file.
uint64_t rows_bytes(serving_meta meta, uint64_t features) {
  meta.features = features;
  meta.buckets = buckets_of(features);
  return index_bytes(meta) + ids_bytes(meta) + weights_bytes(meta);
}

std::string hex_of(uint64_t id) {
  std::string digits(16, '0');
  for (size_t i = 16; i-- > 0; id >>= 4) digits[i] = "0123456789abcdef"[id & 15];
  return digits;
}

// 0 for the same bits; not finite where a score is not.
double distance(float a, float b) {
  if (std::memcmp(&a, &b, sizeof a) == 0) return 0;
  return std::fabs(static_cast<double>(a) - static_cast<double>(b));
}

class freezer {
 public:
  freezer(const model& m, const freeze_options& options)
      : model_(m),
        options_(options),
        rows_(m.has_stored() ? *m.stored.rows : m.rows()),
        shape_(options.precision, m.factors()) {
    block_.resize(block_rows * shape_.width());
    packed_.resize(shape_.block_bytes());
  }

  status run(byte_sink& sink, freeze_counts* counts) {
    *counts = {};
    FMTRAIN_TRY(check_options());
    FMTRAIN_TRY(gather(counts));
    FMTRAIN_TRY(describe());
    FMTRAIN_TRY(score_golden());
    counts->features = meta_.features;
    counts->bytes_pruned =
        rows_bytes(meta_, meta_.features + counts->pruned) - rows_bytes(meta_, meta_.features);
    counts->golden_rows = golden_.size();
    counts->golden_shift = meta_.golden_shift;
    return write(sink, &counts->bytes);
  }

 private:
  status check_options() const {
    for (const std::string* text : {&options_.name, &options_.version}) {
      if (text->find('\n') == std::string::npos) continue;
      return {errc::invalid, "a model's name and version are one line each"};
    }
    return calibration::check(options_.down_sampling_rate, options_.curve);
  }

  // w, then v.
  void weights_of(const entry& of, float* row) const {
    const row_ref found = rows_.find(of.id, of.head);
    if (!model_.has_stored()) return model_.weights_of(found, row, row + 1);
    row[0] = found.w().z;
    for (size_t f = 0; f < model_.factors(); ++f) row[1 + f] = found.v[f].z;
  }

  status gather(freeze_counts* counts) {
    std::vector<float> row(shape_.width());
    status first;
    entries_.reserve(rows_.rows());
    rows_.for_each([&](row_ref at, std::string_view) {
      const entry e = {at.id(), at.head};
      weights_of(e, row.data());
      const bool finite =
          std::all_of(row.begin(), row.end(), [](float w) { return std::isfinite(w); });
      if (!finite && first.ok()) {
        first = {errc::invalid,
                 "the row of id " + hex_of(e.id) + " has a weight that is not finite"};
      }
      const bool zero = std::all_of(row.begin(), row.end(), [](float w) { return w == 0; });
      if (zero) {
        ++counts->pruned;
      } else {
        entries_.push_back(e);
      }
    });
    FMTRAIN_TRY(first);
    if (entries_.size() > features_max) {
      return {errc::invalid, "a serving file holds up to " + std::to_string(features_max) +
                                 " features, and this model has " +
                                 std::to_string(entries_.size()) + " that are not zero"};
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const entry& a, const entry& b) { return a.id < b.id; });
    return {};
  }

  status describe() {
    meta_.name = options_.name;
    meta_.version = options_.version;
    meta_.trained_until = options_.trained_until;
    meta_.precision = options_.precision;
    meta_.link = options_.link;
    meta_.hash_seed = static_cast<uint32_t>(model_.hypers().hash_seed);
    meta_.features = entries_.size();
    meta_.factors = model_.factors();
    meta_.buckets = buckets_of(entries_.size());
    meta_.bias = model_.bias_weight();
    meta_.prior = prior();
    meta_.down_sampling_rate = options_.down_sampling_rate;
    if (std::isfinite(meta_.bias)) return {};
    return {errc::invalid, "the model's bias is not finite"};
  }

  // The score of the mean label; of a model that has seen nothing, what it says of everything.
  double prior() const {
    constexpr double rarest = 1e-6;
    const counters& seen = model_.seen;
    if (!(seen.weight_sum > 0)) return meta_.bias;
    const double mean = std::clamp(seen.label_sum / seen.weight_sum, rarest, 1 - rarest);
    return std::log(mean / (1 - mean));
  }

  // ---- golden rows ----

  status score_golden() {
    const sample_score score = [this](const batch& in) { return score_written(in); };
    golden_ = make_golden(model_.encoded, score);
    std::vector<golden_row> samples = options_.samples;
    if (golden_.empty() && samples.empty()) samples = drawn();
    batch in;
    for (golden_row& sample : samples) {
      sample.row.clear();
      take_features(sample, in);
      sample.score = score(in);
      golden_.push_back(std::move(sample));
    }
    FMTRAIN_TRY(packing_);
    const sample_score trained = score_of(model_);
    for (const golden_row& row : golden_) {
      take_features(row, in);
      FMTRAIN_TRY(note_shift(distance(row.score, trained(in))));
    }
    return {};
  }

  status note_shift(double shift) {
    const std::string moves = "the score of a golden row moves by " + std::to_string(shift) +
                              " with " + name_of(options_.precision);
    if (!std::isfinite(shift)) return {errc::invalid, moves + ": it is not finite"};
    meta_.golden_shift = std::max(meta_.golden_shift, shift);
    if (!std::isfinite(options_.score_shift_max) || shift <= options_.score_shift_max) return {};
    return {errc::invalid, moves + ", more than " + std::to_string(options_.score_shift_max) +
                               ": take a wider precision, or allow more"};
  }

  std::vector<golden_row> drawn() const {
    std::vector<golden_row> samples(drawn_samples);
    uint64_t random = 0;
    for (golden_row& sample : samples) {
      for (size_t i = 0; i < drawn_features; ++i) {
        const uint64_t at = hash_detail::mix_final(++random);
        sample.id.push_back(entries_.empty() ? at : entries_[at % entries_.size()].id);
        sample.x.push_back(1);
      }
    }
    return samples;
  }

  // As the file will score it: through the bytes.
  float score_written(const batch& in) {
    const size_t k = model_.factors();
    score_sums score;
    score.reserve(k);
    score.clear(k);
    std::vector<float> row(shape_.width());
    for (size_t i = 0; i < in.features; ++i) {
      written(in.id[i], row.data());
      const float* const at = row.data();
      best_kernels().add_rows(&at, &in.x[i], 1, k, &*score);
    }
    return static_cast<float>(meta_.bias + score->total(k));
  }

  void written(uint64_t id, float* row) {
    const auto found =
        std::lower_bound(entries_.begin(), entries_.end(), id,
                         [](const entry& e, uint64_t value) { return e.id < value; });
    std::fill(row, row + shape_.width(), 0.0f);
    if (found == entries_.end() || found->id != id) return;
    const auto at = static_cast<size_t>(found - entries_.begin());
    if (packing_.ok()) packing_ = pack_block(at / block_rows * block_rows);
    shape_.unpack(packed_.data(), at % block_rows, row);
  }

  // ---- sections ----

  // The 16 rows from `first` on, or what is left, into packed_.
  status pack_block(size_t first) {
    const size_t count = std::min(block_rows, entries_.size() - first), width = shape_.width();
    for (size_t i = 0; i < count; ++i) weights_of(entries_[first + i], block_.data() + i * width);
    shape_.pack(block_.data(), count, packed_.data());
    if (options_.precision == precision::float32) return {};
    std::vector<float> back(width);
    for (size_t i = 0; i < count; ++i) {
      shape_.unpack(packed_.data(), i, back.data());
      if (std::all_of(back.begin(), back.end(), [](float w) { return std::isfinite(w); })) continue;
      return {errc::invalid, "the row of id " + hex_of(entries_[first + i].id) +
                                 " has a weight beyond what " + name_of(options_.precision) +
                                 " holds: take float32"};
    }
    return {};
  }

  status write_index(byte_sink& sink) const {
    uint32_t at = 0;
    for (uint64_t bucket = 0; bucket < meta_.buckets; ++bucket) {
      FMTRAIN_TRY(sink.write(&at, sizeof at));
      while (at < entries_.size() && bucket_of(entries_[at].id, meta_.buckets) == bucket) ++at;
    }
    return sink.write(&at, sizeof at);
  }

  status write_ids(byte_sink& sink) const {
    for (const entry& e : entries_) FMTRAIN_TRY(sink.write(&e.id, sizeof e.id));
    const uint64_t behind = ~uint64_t{0};
    for (size_t i = 0; i < ids_behind; ++i) FMTRAIN_TRY(sink.write(&behind, sizeof behind));
    return {};
  }

  status write_weights(byte_sink& sink) {
    constexpr size_t ahead = 2 * block_rows;
    for (size_t first = 0; first < entries_.size(); first += block_rows) {
      const size_t next = std::min(first + ahead, entries_.size());
      const size_t behind = std::min(next + block_rows, entries_.size());
      for (size_t i = next; i < behind; ++i) to_read::prefetch(entries_[i].head);
      FMTRAIN_TRY(pack_block(first));
      const size_t count = std::min(block_rows, entries_.size() - first);
      FMTRAIN_TRY(sink.write(packed_.data(), shape_.bytes(count)));
    }
    return {};
  }

  struct part {
    section_kind kind;
    std::function<status(byte_sink&)> write;
  };

  std::vector<part> parts() {
    const auto text = [](std::string bytes) {
      return
          [held = std::move(bytes)](byte_sink& to) { return to.write(held.data(), held.size()); };
    };
    std::vector<part> list = {{section_kind::meta, text(meta_text(meta_))}};
    list.push_back({section_kind::encoder, text(pack_encoding(model_.encoded, golden_))});
    if (!options_.curve.empty()) {
      const auto* const points = reinterpret_cast<const char*>(options_.curve.data());
      const size_t bytes = options_.curve.size() * sizeof(curve_point);
      list.push_back({section_kind::curve, text({points, bytes})});
    }
    list.push_back({section_kind::index, [this](byte_sink& to) { return write_index(to); }});
    list.push_back({section_kind::ids, [this](byte_sink& to) { return write_ids(to); }});
    list.push_back({section_kind::weights, [this](byte_sink& to) { return write_weights(to); }});
    return list;
  }

  // Each section is made twice, to be measured and to be written, so that nothing but the entries
  // is held.
  status write(byte_sink& sink, uint64_t* bytes) {
    const std::vector<part> list = parts();
    std::vector<section> table;
    uint64_t end = sizeof(front) + list.size() * sizeof(section);
    for (const part& p : list) {
      measuring_sink measure;
      FMTRAIN_TRY(p.write(measure));
      const uint64_t offset = (end + alignment - 1) / alignment * alignment;
      table.push_back({static_cast<uint32_t>(p.kind), measure.crc, offset, measure.bytes});
      end = offset + measure.bytes;
    }
    FMTRAIN_TRY(write_front(sink, table, end));
    uint64_t at = sizeof(front) + table.size() * sizeof(section);
    const std::string zeros(alignment, '\0');
    for (size_t i = 0; i < list.size(); ++i) {
      FMTRAIN_TRY(sink.write(zeros.data(), table[i].offset - at));
      FMTRAIN_TRY(list[i].write(sink));
      at = table[i].offset + table[i].bytes;
    }
    *bytes = end;
    return {};
  }

  static status write_front(byte_sink& sink, const std::vector<section>& table, uint64_t bytes) {
    const size_t table_bytes = table.size() * sizeof(section);
    front f{};
    std::memcpy(f.magic, serving_magic, sizeof serving_magic);
    f.version = serving_file_version;
    f.sections = static_cast<uint32_t>(table.size());
    f.file_bytes = bytes;
    f.table_crc = crc32c(0, table.data(), table_bytes);
    f.front_crc = crc32c(0, &f, offsetof(front, front_crc));
    FMTRAIN_TRY(sink.write(&f, sizeof f));
    return sink.write(table.data(), table_bytes);
  }

  const model& model_;
  const freeze_options& options_;
  const table& rows_;
  const row_shape shape_;
  std::vector<entry> entries_;  // without zero rows, by id
  serving_meta meta_;
  std::vector<golden_row> golden_;
  std::vector<float> block_;  // (block_rows, width)
  std::vector<char> packed_;  // (block_bytes)
  status packing_;            // of what golden rows needed
};

}  // namespace

status freeze(const model& m, const freeze_options& options, byte_sink& sink,
              freeze_counts* counts) {
  return freezer(m, options).run(sink, counts);
}

}  // namespace fmtrain
