#include "synth/synth.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/loss.h"
#include "model/start.h"

namespace fmtrain {
namespace {

constexpr int64_t factors_limit = 64;
// The hidden score's standard deviation: of the linear part, and of the pairs.
constexpr double linear_stdev = 1.2, pairs_stdev = 0.8;
// Tells the three families of draws apart.
constexpr uint64_t sample_salt = 0x5eed0001, weight_salt = 0x5eed0002, factor_salt = 0x5eed0003;

class generator {
 public:
  generator(uint64_t seed, uint64_t index)
      : state_(hash_detail::mix_final(seed ^ sample_salt) ^ hash_detail::mix_final(index)) {}
  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;  // splitmix64
    return hash_detail::mix_final(state_);
  }
  // In (0, 1).
  double uniform() { return uniform_of(next()); }
  double normal() { return normal_quantile(uniform()); }

 private:
  uint64_t state_;
};

uint64_t value_id(uint64_t field, uint64_t value) { return (field << 40) ^ value; }

}  // namespace

status synth_options::check() const {
  const auto range = [](const char* name, double value, double low, double high) -> status {
    if (value >= low && value <= high) return {};
    char text[160];
    std::snprintf(text, sizeof text, "%s = %g is not allowed: give a number from %g to %g", name,
                  value, low, high);
    return {errc::invalid, text};
  };
  FMTRAIN_TRY(range("fields", static_cast<double>(fields), 1, 1000));
  FMTRAIN_TRY(range("dims", static_cast<double>(dims), 2.0 * static_cast<double>(fields), 1e9));
  FMTRAIN_TRY(range("numeric", static_cast<double>(numeric), 0, 1000));
  FMTRAIN_TRY(range("factors", static_cast<double>(factors), 0, factors_limit));
  FMTRAIN_TRY(range("keys", static_cast<double>(keys), 0, 1e9));
  FMTRAIN_TRY(range("zipf", zipf, 0.1, 10));
  return range("ctr", ctr, 0.0001, 0.9999);
}

std::string synth_header(const synth_options& o) {
  char text[320];
  std::snprintf(text, sizeof text,
                "# fmtrain synth fields=%lld dims=%lld numeric=%lld factors=%lld keys=%lld "
                "weights=%d zipf=%.17g ctr=%.17g seed=%lld",
                static_cast<long long>(o.fields), static_cast<long long>(o.dims),
                static_cast<long long>(o.numeric), static_cast<long long>(o.factors),
                static_cast<long long>(o.keys), o.weights ? 1 : 0, o.zipf, o.ctr,
                static_cast<long long>(o.seed));
  return text;
}

bool parse_synth_header(const std::string& line, synth_options* o) {
  long long fields, dims, numeric, factors, keys, seed;
  int weights, end = -1;
  const int got = std::sscanf(line.c_str(),
                              "# fmtrain synth fields=%lld dims=%lld numeric=%lld factors=%lld "
                              "keys=%lld weights=%d zipf=%lf ctr=%lf seed=%lld%n",
                              &fields, &dims, &numeric, &factors, &keys, &weights, &o->zipf,
                              &o->ctr, &seed, &end);
  if (got != 9 || static_cast<size_t>(end) != line.size()) return false;
  o->fields = fields;
  o->dims = dims;
  o->numeric = numeric;
  o->factors = factors;
  o->keys = keys;
  o->weights = weights != 0;
  o->seed = seed;
  return o->check().ok();
}

// ---- Zipf ----

synth::zipf_law::zipf_law(double n, double exponent) : n_(n), exponent_(exponent) {
  integral_first_ = integral(1.5) - 1;
  integral_last_ = integral(n + 0.5);
  shortcut_ = 2 - integral_inverse(integral(2.5) - density(2));
}

double synth::zipf_law::integral(double x) const {
  const double log_x = std::log(x), t = (1 - exponent_) * log_x;
  return (std::fabs(t) > 1e-8 ? std::expm1(t) / t : 1 + t / 2) * log_x;
}

double synth::zipf_law::integral_inverse(double x) const {
  const double t = std::max(x * (1 - exponent_), -1.0);
  return std::exp((std::fabs(t) > 1e-8 ? std::log1p(t) / t : 1 - t / 2) * x);
}

double synth::zipf_law::density(double x) const { return std::exp(-exponent_ * std::log(x)); }

template <class Uniform>
uint64_t synth::zipf_law::draw(Uniform&& uniform) const {
  for (;;) {
    const double u = integral_last_ + uniform() * (integral_first_ - integral_last_);
    const double x = integral_inverse(u);
    const double k = std::min(std::max(std::floor(x + 0.5), 1.0), n_);
    if (k - x <= shortcut_ || u >= integral(k + 0.5) - density(k)) return static_cast<uint64_t>(k);
  }
}

// ---- samples ----

synth::synth(const synth_options& options)
    : options_(options), users_(std::max<double>(1, static_cast<double>(options.keys)), 0.8) {
  const auto fields = static_cast<double>(options.fields);
  // Geometric sizes 2, 2 r, 2 r^2, ... that add up to dims, by bisection on r.
  double low = 1, high = static_cast<double>(options.dims);
  for (int i = 0; i < 200; ++i) {
    const double r = std::sqrt(low * high);
    double sum = 0;
    for (double f = 0; f < fields; ++f) sum += 2 * std::pow(r, f);
    (sum < static_cast<double>(options.dims) ? low : high) = r;
  }
  for (double f = 0; f < fields; ++f) {
    fields_.emplace_back(std::max(2.0, std::floor(2 * std::pow(low, f))), options.zipf);
  }
  const double terms = fields + static_cast<double>(options.numeric);
  w_stdev_ = linear_stdev / std::sqrt(terms);
  const double pairs = std::max(1.0, terms * (terms - 1) / 2);
  const double k = std::max<double>(1, static_cast<double>(options.factors));
  v_stdev_ = std::pow(pairs_stdev * pairs_stdev / (pairs * k), 0.25);
  bias_ = std::log(options.ctr / (1 - options.ctr));
}

std::string synth::text(uint64_t first, uint64_t count, std::vector<float>* scores) const {
  const auto seed = static_cast<uint64_t>(options_.seed);
  const auto k = static_cast<size_t>(options_.factors);
  std::string out, features;
  out.reserve(count * static_cast<size_t>(options_.fields + options_.numeric) * 10);
  char token[64];
  std::vector<std::string> prefix;
  for (size_t f = 0; f < fields_.size(); ++f) {
    prefix.emplace_back(token, static_cast<size_t>(std::snprintf(token, 16, " f%02zu_", f)));
  }
  for (uint64_t i = first; i < first + count; ++i) {
    generator random(seed, i);
    double score = bias_, sum[factors_limit] = {}, squares[factors_limit] = {};
    features.clear();
    const auto add_term = [&](uint64_t id, double x) {
      score += w_stdev_ * static_cast<double>(start_value(id, 0, seed ^ weight_salt)) * x;
      for (size_t f = 0; f < k; ++f) {
        const double v = v_stdev_ * static_cast<double>(start_value(id, f, seed ^ factor_salt)) * x;
        sum[f] += v;
        squares[f] += v * v;
      }
    };
    for (size_t f = 0; f < fields_.size(); ++f) {
      const uint64_t value = fields_[f].draw([&] { return random.uniform(); });
      add_term(value_id(f, value), 1);
      features.append(prefix[f]);
      features.append(token, std::to_chars(token, token + sizeof token, value).ptr);
    }
    for (int64_t f = 0; f < options_.numeric; ++f) {
      const double x = std::round(random.normal() * 100) / 100;
      add_term(value_id(1000 + static_cast<uint64_t>(f), 0), x);
      features.append(token, static_cast<size_t>(std::snprintf(token, sizeof token, " n%02d:%g",
                                                               static_cast<int>(f), x)));
    }
    for (size_t f = 0; f < k; ++f) score += 0.5 * (sum[f] * sum[f] - squares[f]);
    const bool positive = random.uniform() < sigmoid(score);
    out.push_back(positive ? '1' : '0');
    if (options_.weights && positive) {
      const double watched = std::exp(0.5 * score + 0.5 * random.normal() + 3);
      out.append(token, static_cast<size_t>(std::snprintf(token, sizeof token, ":%.1f", watched)));
    }
    out.append(features);
    if (options_.keys > 0) {
      const uint64_t user = users_.draw([&] { return random.uniform(); });
      out.append(" # u").append(std::to_string(user));
    }
    out.push_back('\n');
    if (scores != nullptr) scores->push_back(static_cast<float>(score));
  }
  return out;
}

}  // namespace fmtrain
