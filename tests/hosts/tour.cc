// A host in C++11 that uses everything of fmscore.hpp once: `tour MODEL SAMPLES` prints what came
// of it, a line each, "what: values". SAMPLES is where an input cache goes.
#include <chrono>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "fmscore.hpp"

namespace {

template <typename T>
void say(const std::string& what, const std::vector<T>& values) {
  std::cout << what << ':' << std::setprecision(9);
  for (const T& value : values) std::cout << ' ' << +value;
  std::cout << '\n';
}
template <typename F>
void say_error(const std::string& what, F use) {
  try {
    use();
    std::cout << what << ": nothing\n";
  } catch (const fmscore::error& e) {
    std::cout << what << ": " << e.code() << ' ' << e.what() << '\n';
  } catch (const std::string& mine) {
    std::cout << what << ": mine " << mine << '\n';
  }
}

fmscore::id_rows make_user() {
  fmscore::id_rows user;
  user.row().add(fmscore::hash("u")).add(fmscore::hash("age"), 0.25f);
  return user;
}

fmscore::id_rows make_items() {
  fmscore::id_rows items;
  items.row(7).add(fmscore::hash("a")).add(fmscore::hash("b"), 0.5f);
  items.row(8).add(fmscore::hash("c"), 2);
  items.row(9);
  return items;
}

void score(fmscore::context& context) {
  const fmscore::id_rows user = make_user(), items = make_items();
  fmscore::scores scores;
  {
    fmscore::request request(context, user);
    const bool all = request.score(items, &scores, fmscore::in(std::chrono::hours(1)));
    say("scores", scores.score);
    say("statuses", scores.status);
    say<uint64_t>("done", {all, scores.done});
    const bool late = request.score(items, &scores, fmscore::in(std::chrono::seconds(-1)));
    say<uint64_t>("late", {late, scores.done, scores.status[0]});
    fmscore::id_rows one;
    one.row().add(fmscore::hash("a"));
    const fmscore::explanation e = request.explain(one);
    double sum = e.bias;
    for (const fms_term& term : e.terms) sum += term.linear + term.pairwise;
    say<double>("explained", {static_cast<double>(e.terms.size()), e.score, sum - e.score});
    say<uint64_t>("factors", {request.info().factors});
    say_error("nested", [&] { fmscore::request nested(context); });
  }
  fmscore::request(context).score(items, &scores);
  say("without a user", scores.score);
  say<float>("text", {context.score_text("0 u age:0.25 a b:0.5")});
}

void keep(fmscore::context& context, const std::string& path) {
  fmscore::snapshots snapshots(1 << 20, std::chrono::hours(1));
  const fmscore::id_rows user = make_user(), items = make_items();
  fmscore::scores scores;
  for (const char* id : {"first", "second", "third"}) {
    fmscore::request request(context, user);
    request.score(items, &scores);
    snapshots.keep(request, id);
  }
  std::vector<uint64_t> seen;
  const auto see = [&seen](const fms_snapshot& s) {
    seen.insert(seen.end(), {s.item_id, s.features, static_cast<uint64_t>(s.label)});
  };
  const uint64_t found = snapshots.take("first", {9, 7, 100}, {1, 0, 1}, see);
  say("shown", seen);
  say<uint64_t>("found", {found});
  say_error("again", [&] { snapshots.take("first", {9}, {}, see); });
  say_error("labels", [&] { snapshots.take("second", {9, 8}, {1}, see); });
  say_error("thrown", [&] {
    snapshots.take("second", {9}, {}, [](const fms_snapshot&) { throw std::string("own"); });
  });
  fmscore::sample_file file(path);
  say<uint64_t>("written", {snapshots.take("third", {7, 8}, {1, 0}, file)});
  file.close();
  fmscore::sample_file(path + ".never");  // not closed: there is none
  say<uint64_t>("kept", {snapshots.stats().kept, snapshots.stats().taken});
}

void tour(const std::string& model_path, const std::string& samples) {
  fmscore::slot slot(1 << 20);
  fmscore::context context(slot, FMS_OUTPUT_SCORE, true);
  say_error("empty", [&] { fmscore::request request(context); });
  fmscore::model model = fmscore::model::open(model_path, FMS_OPEN_UNVERIFIED | FMS_OPEN_COPY);
  say_error("unverified", [&] { slot.publish(model); });
  model.verify();
  slot.publish(model);
  fmscore::model copy = model, other = slot.current();
  model = fmscore::model::open(model_path);
  say<uint64_t>("serials", {copy.info().serial, other.info().serial, model.info().serial});
  score(context);
  keep(context, samples);
  slot.publish(std::move(model));
  say<uint64_t>("waiting", {slot.reclaim()});
  say<uint64_t>("stats", {slot.stats().published, slot.stats().cut_off, slot.stats().requests});
  say_error("gone", [] { fmscore::model::open("/none.fms"); });
  say_error("md5", [&] { fmscore::model::open(model_path, 0, std::string(32, '0')); });
  slot = fmscore::slot();  // the first one goes
  say_error("closed", [&] { fmscore::request request(context); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  tour(argv[1], argv[2]);
  return 0;
}
