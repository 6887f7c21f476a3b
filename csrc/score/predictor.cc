#include "score/predictor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/append.h"
#include "base/file.h"
#include "feature/hash.h"

namespace fmtrain {
namespace {

void append_line(std::string& text, prediction_format format, float label, double prediction,
                 std::string_view key) {
  if (format == prediction_format::alphafm) {
    char line[64];
    const int size = std::snprintf(line, sizeof line, "%d %f\n", label > 0 ? 1 : -1, prediction);
    text.append(line, static_cast<size_t>(size));
    return;
  }
  append_number(text, label);
  text.push_back(' ');
  append_number(text, static_cast<float>(prediction));
  if (!key.empty()) text.append(1, ' ').append(key);
  text.push_back('\n');
}

}  // namespace

void predictions::append(predictions&& more) {
  append_all(label, more.label);
  append_all(weight, more.weight);
  append_all(score, more.score);
  append_all(group, more.group);
}

predictor::predictor(const model& m, size_t threads, const parse_options& parsing,
                     const predict_options& options)
    : model_(m),
      options_(options),
      workers_(threads),
      order_(4 * threads),
      stream_(threads, parsing, *this) {}

status predictor::consume(size_t worker, uint64_t, const batch_source& source, batch& in) {
  worker_state& state = workers_[worker];
  if (state.scores.size() < in.samples) state.scores.resize(in.samples);
  score_batch(model_, in, state.scratch, state.scores.data());
  for (size_t s = 0; s < in.samples; ++s) {
    if (!std::isfinite(state.scores[s])) {
      stream_.refuse(source, in, s);
      continue;
    }
    ++state.out.samples;
    if (options_.output_fd >= 0) {
      const double prediction = apply_link(options_.link, static_cast<double>(state.scores[s]));
      append_line(state.out.text, options_.format, in.label[s], prediction, in.key[s]);
      continue;
    }
    predictions& values = state.out.values;
    values.label.push_back(in.label[s]);
    values.weight.push_back(in.weight[s]);
    values.score.push_back(state.scores[s]);
    const std::string_view key = in.key[s];
    values.group.push_back(key.empty() ? 0 : hash_name(key.data(), key.size(), 0));
  }
  return {};
}

status predictor::finish_source(size_t worker, uint64_t order) {
  return order_.put(
      order, std::exchange(workers_[worker].out, {}), [this] { return stream_.stopped(); },
      [this](output&& ready) { return emit(std::move(ready)); });
}

status predictor::emit(output&& out) {
  samples_ += out.samples;
  if (options_.output_fd >= 0) {
    return write_all(options_.output_fd, out.text.data(), out.text.size(), "the output");
  }
  collected_.append(std::move(out.values));
  return {};
}

}  // namespace fmtrain
