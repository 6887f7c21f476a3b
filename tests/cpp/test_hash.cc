// The hash is part of the file format: these values are mmh3's and change by decision, never by
// accident (mmh3.hash64(name, seed, signed=False)[0]).
#include "feature/hash.h"

#include <cstring>
#include <memory>
#include <string>

#include "check.h"

namespace fmtrain {
namespace {

constexpr size_t golden_sizes = 41;
constexpr uint32_t golden_seeds[] = {0, 1, 42, 0xFFFFFFFF};

// [seed][size], of the name whose byte i is 37 i + 11.
constexpr uint64_t golden[][golden_sizes] = {
    {0x0000000000000000, 0x932fc7cce617f1e7, 0xcff7e5ae5471b39d, 0x6afac0b8de81a4b1,
     0xd3a4eed1b81f9f72, 0xb0330f40087f990b, 0x32d1f10b04077a12, 0x8340cc686662983b,
     0xf0b144007f89ced7, 0xdbb3088eaec8a0b1, 0x7fc82ef8fd4f371e, 0xce105a4d0920d564,
     0x11eea59fafc3bbb8, 0x3c0bc0c7790cc4e7, 0x4af05278beeea171, 0x2906f047b67f83ff,
     0xda9c66580c5ef0fb, 0x78b8ee9a775e07d1, 0x5022ece9b605f7d8, 0x40591a6345e2fd5e,
     0xf85aeb21888559f3, 0x2c128c13418db6f3, 0xc0ffc3389f035072, 0x01b7d4fb84dc53aa,
     0x8372e2feeb61eb1c, 0xed9e2943729d5da2, 0x9fcd422e337cdec4, 0x454a6a1202a0fd74,
     0xc2ea419f1d4c02de, 0x2ab2e5425a3cf241, 0xfde530955c73468b, 0xb1ca061ed4c5532f,
     0xaf7374eb8efe799b, 0x08b88a88c3099ba9, 0x46e6fbb70374f1b8, 0x3db6d4b9af498f9f,
     0xaee3ca841fccf7f7, 0xff4d3072c71df4b3, 0x5003e0c3f8da178f, 0x244221d812da51c7,
     0xbf77aa22e65e7cfc},
    {0x4610abe56eff5cb5, 0x58388830bfd5b5e4, 0xd31932f94ce35a69, 0x359d66a7d253df41,
     0xe3ded75e7ba17661, 0x80949d98287f7a8f, 0x37a7d5289ba6c0c7, 0xe84fc87d6a479068,
     0xd9865cbb77112438, 0x2afecd87ed737c3e, 0xc55ebf3d03a08ee9, 0x75a5d6647bc25818,
     0x8665985a64ff1151, 0x9f6dd6b44e4ce75a, 0x22429c7962127d25, 0xf2faeb7f93a1ba3e,
     0x67070958d1d0f6e0, 0xd971a79a1b8f8147, 0xeb99b9f2a884089f, 0xa5ba89b5dd3e9aa5,
     0x5bbdb90821064b1f, 0x30bfc350d1ca94d6, 0x0d2ba27649a440ef, 0xd28c6d1ed028aa47,
     0x6119db55729a2655, 0xf6bfb5dfb18b5ac6, 0x8d246b4396eceeae, 0x1c19a56d64bc944f,
     0x85d00914e28ffd3e, 0xc3050ef3658d0fe9, 0x4cc4e727182d089b, 0xc8848a3769943cfa,
     0x842e9ecda469942b, 0x610c166472862415, 0x7c44b638877f7552, 0x39b47d22d4faff33,
     0xeae60a78392c152f, 0xc3aad217593c3ba1, 0x1b15f0c9f199237c, 0xe79e101c015a382a,
     0x7e2c52c1a455d75a},
    {0xf02aa77dfa1b8523, 0x1495b72690ad6b49, 0x22f631fa60c22608, 0xb4eb76eae8abab80,
     0x19f4b7e99d91b549, 0x78d77c76b40ee0fc, 0xcfa7affa1efd7ba5, 0xc1a4b41f44ebdb31,
     0xb3381f253f1f2b67, 0x2b9d4be3cfbdcc3f, 0x8561a9b67b54029c, 0xba7f85952273472a,
     0x866ef056ae2620ad, 0x5743a54b88d07266, 0x68c53df623f889ec, 0x13ec2b575f368709,
     0x0db7e57d84e9115e, 0x6753dd78b706ca59, 0xdf05643aecea4efa, 0xbb3024b1cb43e62e,
     0x0d53be10d250a7f8, 0x4575c97d55d93e33, 0x3b714647e699f822, 0xc5ee6f09416c6ce1,
     0x0a866149d2508204, 0x45f006b258382270, 0x1f2ef47649081f95, 0x4a20fff3b1be52c3,
     0xf9ba5bd63ea114d6, 0x8509edddd0cc291b, 0xe9e80e350be450e5, 0x4b6b129b8686ccd5,
     0xcdae700c6caa0324, 0x1bb4cea7ea9f8f2c, 0x8ca7658b199e6cfd, 0x38919621908dd2c6,
     0x6106d6057cb15fb0, 0x1997fc8acbb5e3bc, 0xf11f305524b78954, 0x19a9e9e2c00c04ee,
     0x1e0a94ce7d6f094d},
    {0x6af1df4d9d3bc9ec, 0x024d662fed410084, 0x07b1a56b2afdbb98, 0xd99be2e0648daefb,
     0xa35273ab3e09778a, 0x834cc26af69ee11d, 0x84176124dbbfa4fd, 0xccfe9d24279074cf,
     0xe8c3a5e74b3af919, 0x54347eb9f0ce0718, 0xd2755135798d8884, 0x3eb3c72690dc5b64,
     0xe9c0db8c70aa3cf5, 0x9eb97ef817dbc22d, 0x325f19a206b00af2, 0x797ef50a52c26dd6,
     0x06d3fc3376fe6236, 0x2fdd79fef11a1539, 0x91d73f4d12f51119, 0x27a07008bfacc47a,
     0x87c7ae3dda45e763, 0x1c0a5816edf60077, 0x65ec43b85c96c888, 0x347f90bb4b2e746e,
     0xf628164893248027, 0x7b0e613c401d4ae5, 0x7a4518260a9767c1, 0x4a0bf3238ed6196c,
     0x4ac0a9a3e3411d28, 0x28b223101a297636, 0xdfbf5079bad2fa15, 0x2f3a479daf996e67,
     0x20f39e2335a3cc0d, 0x36697d1c1a3ac3af, 0x5bd0873ffb67dcd3, 0xe132fdcd70115dcc,
     0xfec4da70be49b37c, 0x584e4567c0627812, 0xffb59f1c93c32757, 0x045180750ab87e7d,
     0x438d853f2322e6cd},
};

std::string golden_name(size_t size) {
  std::string name(size, '\0');
  for (size_t i = 0; i < size; ++i) name[i] = static_cast<char>(37 * i + 11);
  return name;
}

TEST(values_are_pinned) {
  for (size_t s = 0; s < std::size(golden_seeds); ++s) {
    for (size_t size = 0; size < golden_sizes; ++size) {
      const std::string name = golden_name(size);
      CHECK_EQ(hash_name(name.data(), size, golden_seeds[s]), golden[s][size]);
    }
  }
}

TEST(names_as_they_occur) {
  CHECK_EQ(hash_name("bias", 4, 0), 0xb888e1621721c58cULL);
  CHECK_EQ(hash_name("f07_31", 6, 0), 0x2a8c4fd800f9e3e5ULL);
  CHECK_EQ(hash_name("user=42", 7, 0), 0x7ee34710d3a6339bULL);
  CHECK_EQ(hash_name("C2=a6cbd", 8, 7), 0xff9eb2d78b750190ULL);
  CHECK_EQ(hash_name("日本", 6, 0), 0x86d4e77d78be1786ULL);
}

// The bytes behind a name must not matter, whatever its size and alignment.
TEST(padded_is_the_same) {
  for (size_t size = 0; size <= 100; ++size) {
    const std::string name = golden_name(size);
    for (size_t shift = 0; shift < 16; ++shift) {
      for (const int behind : {0, 0xFF, 0x3A}) {
        std::string buffer(shift + size + padding_bytes, static_cast<char>(behind));
        std::memcpy(buffer.data() + shift, name.data(), size);
        CHECK_EQ(hash_padded(buffer.data() + shift, size, 7), hash_name(name.data(), size, 7));
      }
    }
  }
}

// The address sanitizer sees a read behind an allocation of exactly the name's size.
TEST(hash_name_reads_nothing_behind_the_name) {
  for (size_t size = 1; size <= 64; ++size) {
    const std::unique_ptr<char[]> exact(new char[size]);
    std::memcpy(exact.get(), golden_name(size).data(), size);
    CHECK_EQ(hash_name(exact.get(), size, 0), hash_name(golden_name(size).data(), size, 0));
  }
}

TEST(every_bit_of_a_name_counts) {
  for (size_t size = 1; size <= 40; ++size) {
    const std::string name = golden_name(size);
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      std::string other = name;
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
      CHECK(hash_name(other.data(), size, 0) != hash_name(name.data(), size, 0));
    }
  }
}

}  // namespace
}  // namespace fmtrain
