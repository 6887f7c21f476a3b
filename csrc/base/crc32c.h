// CRC-32C (Castagnoli), the checksum of every block we write. The processor's own instruction is
// used where it has one; the table is the meaning both must agree on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fmtrain {

// Continues `crc` (0 to start) over `size` bytes.
uint32_t crc32c(uint32_t crc, const void* data, size_t size);

// The same by table, one byte a step: what crc32c is tested against.
uint32_t crc32c_portable(uint32_t crc, const void* data, size_t size);

}  // namespace fmtrain
