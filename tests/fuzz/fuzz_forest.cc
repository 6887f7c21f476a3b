// Arbitrary bytes as a forest: refused, or one whose packed bytes are the same forest, and whose
// leaves do not depend on the rows beside.
//
// Byte 0: bit 0 puts the right checksum into bytes that are of fmtrain's own format.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "encode/forest.h"
#include "encode/forest_pack.h"
#include "fuzz.h"

using namespace fmtrain;

namespace {

constexpr size_t rows = 75;  // a block, a group, three by themselves

std::vector<double> some_values(size_t count) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  static const double pool[] = {0,          -0.,   1,     2,      3,   -1,   0.5,          -0.5,
                                31,         1e-35, 1e300, -1e300, inf, -inf, std::nan(""), 16777216,
                                2147483648.};
  std::vector<double> values(count);
  uint64_t state = 1;
  for (double& v : values) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    v = pool[(state >> 33) % (sizeof pool / sizeof *pool)];
  }
  return values;
}

void check_leaves(const forest& f) {
  if (f.columns() * rows > 100'000 || f.trees() > 1000) return;
  const std::vector<double> values = some_values(f.columns() * rows);
  std::vector<uint32_t> leaves(rows * f.trees()), alone(f.trees());
  f.find_leaves(values.data(), rows, leaves.data());
  for (size_t row = 0; row < rows; ++row) {
    f.find_leaves(values.data() + row * f.columns(), 1, alone.data());
    FUZZ_CHECK(std::equal(alone.begin(), alone.end(), leaves.begin() + row * f.trees()));
  }
  for (size_t tree = 0; tree < f.trees(); ++tree) {
    const std::vector<uint32_t> all = f.leaves_of(tree);
    FUZZ_CHECK(!all.empty() && all.back() + 1 == f.leaf_bound(tree));
    for (size_t row = 0; row < rows; ++row) {
      FUZZ_CHECK(std::binary_search(all.begin(), all.end(), leaves[row * f.trees() + tree]));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  constexpr size_t from = forest_format::checked_from;
  const bool own = std::string_view(bytes).substr(0, 8) == forest_format::magic;
  if (own && (data[0] & 1) != 0 && bytes.size() >= from) {
    const uint32_t sum = crc32c(0, bytes.data() + from, bytes.size() - from);
    std::memcpy(bytes.data() + from - sizeof sum, &sum, sizeof sum);
  }
  std::unique_ptr<const forest> f;
  const status got = forest::read(bytes, "fuzz", &f);
  FUZZ_CHECK(got.ok() == (f != nullptr));
  if (f == nullptr) {
    FUZZ_CHECK(got.message().substr(0, 6) == "fuzz: ");
    return 0;
  }
  if (own) FUZZ_CHECK(f->pack() == bytes);  // there is one way to pack a forest
  std::unique_ptr<const forest> again;
  FUZZ_CHECK(forest::read(f->pack(), "again", &again).ok());
  FUZZ_CHECK(again->pack() == f->pack() && again->content_hash() == f->content_hash());
  check_leaves(*f);
  return 0;
}
