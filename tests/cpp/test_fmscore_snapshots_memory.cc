// Memory that runs out at any place: a code, and whatever was kept or written before is whole.
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cache_support.h"
#include "snapshots_host.h"

namespace {

// How many more allocations of this thread succeed; below 0: all.
thread_local int allowed = -1;

}  // namespace

// Inlined they would look mismatched to the compiler.
[[gnu::noinline]] void* operator new(size_t size) {
  if (allowed == 0) throw std::bad_alloc();
  if (allowed > 0) --allowed;
  void* const memory = std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
// As the library's would, but not a sanitizer's.
[[gnu::noinline]] void* operator new[](size_t size) { return operator new(size); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace fmtrain {
namespace {

// Calls with 0, 1, 2, ... allocations until they suffice; returns how often they did not.
template <class Prepare, class Call, class Check>
int fail_at_each(const Prepare& prepare, const Call& call, const Check& after) {
  for (int count = 0;; ++count) {
    prepare();
    allowed = count;
    const int32_t code = call();
    allowed = -1;
    after(code);
    if (code == FMS_OK) return count;
    CHECK_EQ(code, FMS_ENOMEM);
    if (count > 10000) return 0;
  }
}

int32_t count_it(const fms_snapshot*, void* calls) {
  ++*static_cast<int*>(calls);
  return 0;
}

const std::string long_id(100, 'r');  // longer than what a string holds without memory

struct scored {
  test_random draw{1};
  recording_host server;
  snapshot_store snapshots;
  const random_request request{draw, 20, 50, 10};

  scored() {
    server.begin(request);
    server.score(request.item_rows());
  }
  ~scored() { server.end(); }
  void keep(const std::string& id) { CHECK_EQ(snapshots.keep(server, id), FMS_OK); }
};

TEST(keeping) {
  scored t;
  std::vector<taken_sample> got;
  const int failed = fail_at_each(
      [&] {
        t.keep("other");
        t.keep(long_id);
      },
      [&] { return t.snapshots.keep(t.server, long_id); },
      [&](int32_t code) {
        if (code != FMS_OK) CHECK_EQ(std::string(fms_last_error()), "out of memory");
        CHECK_EQ(t.snapshots.take("other", t.request.item, &got), FMS_OK);
        CHECK_EQ(got.size(), t.request.item.size());
        // What was there may have left for what did not come.
        const bool there = t.snapshots.take(long_id, t.request.item, &got) == FMS_OK;
        CHECK(there || code != FMS_OK);
        CHECK(!there || got.size() == t.request.item.size());
        CHECK_EQ(t.snapshots.stats().bytes, 0u);
      });
  CHECK(failed >= 3);
}

TEST(taking) {
  scored t;
  const std::vector<uint64_t>& shown = t.request.item;
  int calls = 0;
  const int failed = fail_at_each(
      [&] {
        t.keep(long_id);
        calls = 0;
      },
      [&] {
        return fms_snapshots_take(t.snapshots.held, long_id.data(), long_id.size(), shown.data(),
                                  nullptr, shown.size(), &count_it, &calls, nullptr);
      },
      [&](int32_t) { CHECK_EQ(t.snapshots.stats().bytes, 0u); });
  CHECK(failed >= 3);
  CHECK_EQ(calls, static_cast<int>(shown.size()));
}

TEST(writing) {
  scored t;
  const temporary_folder folder;
  const std::string path = folder.path("shown");
  const std::vector<uint64_t>& shown = t.request.item;
  fms_sample_file* file = nullptr;
  uint64_t before = 0, found = 0;
  size_t there = 0, refused = 0;
  const int failed = fail_at_each(
      [&] {
        CHECK_EQ(fms_sample_file_create(path.c_str(), 0, &file), FMS_OK);
        t.keep("first");
        CHECK_EQ(t.snapshots.take_to(file, "first", shown, nullptr, &before), FMS_OK);
        t.keep(long_id);
      },
      [&] { return t.snapshots.take_to(file, long_id, shown, nullptr, &found); },
      [&](int32_t code) {
        const int32_t closed = fms_sample_file_close(file);
        if (closed != FMS_OK) {
          CHECK(code != FMS_OK);
          CHECK_EQ(closed, FMS_ENOMEM);
          CHECK_EQ(std::string(fms_last_error()),
                   path + ": cannot write: memory ran out within a sample");
          CHECK(folder.names().empty());
          ++refused;
          return;
        }
        const std::vector<seen_sample> got = samples_of(read_file(path));
        CHECK(got.size() >= before);
        for (size_t i = 0; i < got.size(); ++i) {
          CHECK_EQ(got[i].features.size(), got[i % before].features.size());
        }
        there = got.size();
        CHECK_EQ(std::remove(path.c_str()), 0);
      });
  CHECK(failed >= 10);
  CHECK(refused > 0);
  CHECK_EQ(there, before + found);
}

}  // namespace
}  // namespace fmtrain
