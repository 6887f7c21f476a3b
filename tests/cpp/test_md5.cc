#include "base/md5.h"

#include <algorithm>
#include <string>

#include "support.h"

namespace fmtrain {
namespace {

std::string md5_of(std::string_view bytes) {
  md5 sum;
  sum.add(bytes.data(), bytes.size());
  return sum.hex();
}

// RFC 1321, A.5.
TEST(the_rfc_s_own) {
  CHECK_EQ(md5_of(""), "d41d8cd98f00b204e9800998ecf8427e");
  CHECK_EQ(md5_of("a"), "0cc175b9c0f1b6a831c399e269772661");
  CHECK_EQ(md5_of("abc"), "900150983cd24fb0d6963f7d28e17f72");
  CHECK_EQ(md5_of("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK_EQ(md5_of("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  CHECK_EQ(md5_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
           "d174ab98d277d9f5a5611c2c9f419d9f");
  std::string eighty;
  for (int i = 0; i < 8; ++i) eighty += "1234567890";
  CHECK_EQ(md5_of(eighty), "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(a_million) { CHECK_EQ(md5_of(std::string(1000000, 'a')), "7707d6ae4e027c70eea2a935c2296f21"); }

// Every length around a block's end, in pieces of every size.
TEST(pieces_do_not_matter) {
  test_random random(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(random.next()));
    md5 pieces;
    for (size_t at = 0; at < size;) {
      const size_t piece = std::min<size_t>(size - at, random.below(70));
      pieces.add(bytes.data() + at, piece);
      at += piece;
    }
    CHECK_EQ(pieces.hex(), md5_of(bytes));
  }
}

}  // namespace
}  // namespace fmtrain
