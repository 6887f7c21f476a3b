// One step of learning, sample by sample, on a table that holds every feature: rows looked up a
// batch at a time, gathered, scored, scattered. `alone`: as one thread does it; `shared`: as each
// of several does, with atomic instructions and its own copies of hot rows. Items are samples.
#include <memory>

#include "micro.h"
#include "model/model_file.h"
#include "train/hot_rows.h"
#include "train/step.h"
#include "train/trainer.h"

namespace fmtrain::micro {
namespace {

constexpr uint64_t samples = 4000;

hyper hyper_of(size_t factors) {
  hyper h;
  h.factors = static_cast<int64_t>(factors);
  return h;
}

std::string bytes_of(const model& m) {
  memory_sink sink;
  require(write_model(m, sink).ok(), "the model can be written");
  return sink.bytes;
}

template <size_t Factors>
void learn_alone(model& m, const batch& in, step_scratch& scratch) {
  const learner as(Factors);
  find_rows(m, in, scratch);
  for (size_t sample = 0; sample < in.samples; ++sample) {
    const step_result got = learn<alone, Factors>(m, as, in, sample, m.bias, scratch);
    require(!got.refused, "no sample is refused");
  }
}

template <size_t Factors>
void learn_shared(model& m, const batch& in, hot_rows& hot, bias_state& bias,
                  step_scratch& scratch) {
  const learner as(Factors);
  find_rows(m, in, hot, scratch);
  for (size_t sample = 0; sample < in.samples; ++sample) {
    const step_result got = learn<shared, Factors>(m, as, in, sample, bias, scratch);
    require(!got.refused, "no sample is refused");
  }
  hot.settle();
}

// The steps give the model that the trainer gives, to the bit.
template <size_t Factors>
void check(const std::string& text, const parsed_text& parsed) {
  model stepped(hyper_of(Factors), false), trained(hyper_of(Factors), false);
  step_scratch scratch;
  for (const batch& in : parsed.batches) learn_alone<Factors>(stepped, in, scratch);
  trainer run(trained, train_options(), parse_options());
  run.input().begin("micro");
  for (size_t at = 0, taken = 0; at < text.size(); at += taken) {
    const status fed =
        run.input().feed(text.data() + at, text.size() - at, std::chrono::seconds(1), &taken);
    require(fed.ok(), "the trainer takes the text");
  }
  require(run.input().end().ok() && run.finish().ok(), "the trainer ends well");
  // The counters are the trainer's own.
  stepped.seen = trained.seen;
  require(bytes_of(stepped) == bytes_of(trained), "the steps give the trainer's model");
}

template <size_t Factors, class Locking>
void step(benchmark::State& state) {
  const std::string text = synth_text(samples, state.range(0));
  const parsed_text parsed(text);
  require(parsed.samples == samples, "the number of samples");
  check<Factors>(text, parsed);
  model m(hyper_of(Factors), false);
  step_scratch scratch;
  for (const batch& in : parsed.batches) learn_alone<Factors>(m, in, scratch);
  const uint64_t rows = m.rows().rows();
  hot_rows hot(m);
  bias_state bias = m.bias;
  for (auto _ : state) {
    for (const batch& in : parsed.batches) {
      if constexpr (Locking::is_shared) {
        learn_shared<Factors>(m, in, hot, bias, scratch);
      } else {
        learn_alone<Factors>(m, in, scratch);
      }
    }
  }
  hot.give_up();
  require(m.rows().rows() == rows, "the table was warm");
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * samples));
  state.counters["rows"] = static_cast<double>(rows);
}

void lr_alone(benchmark::State& state) { step<0, alone>(state); }
void lr_shared(benchmark::State& state) { step<0, shared>(state); }
void fm8_alone(benchmark::State& state) { step<8, alone>(state); }
void fm8_shared(benchmark::State& state) { step<8, shared>(state); }

BENCHMARK(lr_alone)->ArgName("dims")->Arg(10000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(lr_shared)->ArgName("dims")->Arg(10000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(fm8_alone)->ArgName("dims")->Arg(10000)->Arg(1000000)->Unit(benchmark::kMillisecond);
BENCHMARK(fm8_shared)->ArgName("dims")->Arg(10000)->Arg(1000000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fmtrain::micro

BENCHMARK_MAIN();
