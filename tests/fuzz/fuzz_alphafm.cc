// Arbitrary bytes as an alphaFM model: refused, or a model that fmtrain's own file and alphaFM's
// binary format hold.
//
// Byte 0: bit 0 chooses binary; the rest, less one, is the number of factors asked for (-1: the
// file's own).
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "fuzz.h"
#include "model/exchange.h"
#include "model/model_file.h"

using namespace fmtrain;

namespace {

// A file in memory, under a path.
class memory_file {
 public:
  explicit memory_file(const std::string& bytes) : fd_(::memfd_create("fuzz", 0)) {
    FUZZ_CHECK(fd_ >= 0);
    FUZZ_CHECK(write_all(fd_, bytes.data(), bytes.size(), "memory").ok());
  }
  ~memory_file() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

hyper small_hyper() {
  hyper h;
  h.l1 = 0.01;
  return h;
}

std::string exported(const model& m) {
  memory_sink sink;
  export_counts counts;
  const export_options options = {export_format::alphafm_binary_double, true, true};
  const status done = export_model(m, options, sink, &counts);
  // A line of text may hold a longer name than alphaFM's binary format.
  FUZZ_CHECK(done.ok() || done.code() == errc::invalid);
  return done.ok() ? sink.bytes : std::string();
}

void check_model(const model& m) {
  memory_sink sink;
  FUZZ_CHECK(write_model(m, sink).ok());
  memory_source source(sink.bytes.data(), sink.bytes.size());
  std::unique_ptr<model> back;
  FUZZ_CHECK(read_model(source, "fmtrain's file", &back).ok());
  const std::string binary = exported(m);
  if (binary.empty()) return;
  const memory_file file(binary);
  FUZZ_CHECK(import_alphafm(file.path(), true, -1, small_hyper(), &back).ok());
  FUZZ_CHECK(back->rows().rows() == m.rows().rows());
  FUZZ_CHECK(back->factors() == m.factors());
}

void check_conversion(const std::string& path, bool binary, int64_t factors) {
  for (const bool keep_zeros : {false, true}) {
    memory_sink sink;
    const status done =
        convert_alphafm(path, binary, factors, alphafm_format::binary_double, keep_zeros, sink);
    if (!done.ok()) continue;
    const memory_file file(sink.bytes);
    memory_sink again;
    FUZZ_CHECK(
        convert_alphafm(file.path(), true, -1, alphafm_format::binary_double, keep_zeros, again)
            .ok());
    FUZZ_CHECK(again.bytes == sink.bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool binary = (data[0] & 1) != 0;
  const int64_t factors = (data[0] >> 1) - 1;
  const memory_file file(std::string(reinterpret_cast<const char*>(data + 1), size - 1));
  std::unique_ptr<model> m;
  const status got = import_alphafm(file.path(), binary, factors, small_hyper(), &m);
  FUZZ_CHECK(got.ok() == (m != nullptr));
  if (m != nullptr) check_model(*m);
  check_conversion(file.path(), binary, factors);
  return 0;
}
